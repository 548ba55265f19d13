// Carries out a plan: its steps in order, each failure told apart and met with the recovery that fits, all of it recorded. It
// decides; running a command and clearing a folder are ports.
import type { CacheReport } from '../caches/cache-of-build.ts'
import type { BuildPlan } from '../plan.ts'
import type { Step, Tool } from '../project.ts'
import type { Ended, FailureClass, Recovery } from './classify.ts'
import { classify, nextRecovery } from './classify.ts'
import type { MaterialFile } from './materials.ts'

export type StepTry = {
  phase: Step['phase']
  argv: string[]
  dir: string
  startedAt: number
  endedAt: number
  exitCode?: number
  signal?: string
  failure?: FailureClass
  reason?: string
  /** What was done because of this failure. */
  recovery?: Recovery
}
export type BuildReport = {
  result: 'succeeded' | 'failed'
  tries: StepTry[]
  /** Of a failed build: the failure that nothing cured. */
  failure?: FailureClass
  reason?: string
  /** Another worker may do better: it has the tool, the memory or the disk. */
  elsewhere?: boolean
  /** Tools that this machine lacks. */
  needs?: Tool[]
  /** Versions of the tools that it ran with. */
  tools?: Record<string, string>
  materials?: MaterialFile[]
  /** Where the downloads of a tool are shared between builds. */
  cache?: CacheReport
  /** Tests failed and then passed with nothing changed. */
  flaky?: boolean
}

export type CarryOutComponents = {
  wallMs(): number
  execute(step: Step, options: { parallel: boolean }): Promise<Omit<Ended, 'phase'>>
  /** Removes the folders that installing filled: the caches of the plan. */
  clean(): Promise<void>
  pause(ms: number): Promise<void>
  say(line: string): void
  /** A command begins; `done` of `all` are behind it. */
  onStep?(step: Step, done: number, all: number): void
}

const RETRY_FIRST_MS = 1_000
const RETRY_MAX_MS = 30_000

export async function carryOut(plan: BuildPlan, components: CarryOutComponents): Promise<BuildReport> {
  const { say } = components
  const tries: StepTry[] = []
  const tried: { failure: FailureClass; recovery: Recovery }[] = []
  let steps = plan.steps
  let parallel = true
  let failedTest: string | undefined
  let flaky = false
  for (let at = 0; at < steps.length; ) {
    const step = steps[at] as Step
    components.onStep?.(step, at, steps.length)
    say(`${step.phase}: ${step.argv.join(' ')}${step.dir === '' ? '' : ` (in ${step.dir})`}`)
    const startedAt = components.wallMs()
    const ended = await components.execute(step, { parallel })
    const one: StepTry = { phase: step.phase, argv: step.argv, dir: step.dir, startedAt, endedAt: components.wallMs(), ...endOf(ended) }
    tries.push(one)
    if (ended.exitCode === 0 && ended.timedOut !== true) {
      if (failedTest === keyOf(step)) flaky = true
      at += 1
      continue
    }
    const { failure, reason } = classify({ ...ended, phase: step.phase })
    const recovery = nextRecovery(failure, tried)
    Object.assign(one, { failure, reason, recovery })
    say(`${step.phase} failed (${failure}): ${reason}. ${wordsOf(recovery)}`)
    if (recovery === 'give-up' || recovery === 'other-worker')
      return { result: 'failed', tries, failure, reason, ...(recovery === 'other-worker' ? { elsewhere: true } : {}) }
    tried.push({ failure, recovery })
    if (failure === 'test') failedTest = keyOf(step)
    if (recovery === 'retry') await components.pause(Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (tried.length - 1)))
    if (recovery === 'less-parallel') parallel = false
    if (recovery === 'unlocked-install') steps = steps.map((other, index) => (index === at ? unlocked(other) : other))
    if (recovery === 'clean-build') {
      await components.clean()
      at = 0
    }
  }
  return { result: 'succeeded', tries, ...(flaky ? { flaky: true } : {}) }
}

/** The same installation, allowed to change the lockfile. */
function unlocked(step: Step): Step {
  const argv =
    step.argv[0] === 'npm' && step.argv[1] === 'ci'
      ? ['npm', 'install']
      : step.argv.filter((word) => !/^--(locked|frozen|immutable|frozen-lockfile)$/.test(word))
  return { ...step, argv, reason: 'the lockfile does not fit its manifest' }
}

function keyOf(step: Step): string {
  return `${step.dir}\0${step.argv.join('\0')}`
}

function endOf({ exitCode, signal }: Omit<Ended, 'phase'>): Pick<StepTry, 'exitCode' | 'signal'> {
  return { ...(exitCode === undefined ? {} : { exitCode }), ...(signal === undefined ? {} : { signal }) }
}

function wordsOf(recovery: Recovery): string {
  switch (recovery) {
    case 'retry':
      return 'It is tried again after a pause.'
    case 'unlocked-install':
      return 'It is installed again without holding to the lockfile.'
    case 'clean-build':
      return 'It is built again, with everything installed anew.'
    case 'less-parallel':
      return 'It is tried again with one job at a time.'
    case 'other-worker':
      return 'Another worker may do better.'
    case 'give-up':
      return 'Nothing more is tried.'
  }
}
