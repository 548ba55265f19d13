// What can be said of a task without asking anyone: its title, whether it has ended, its command line for copying.
import type { AttemptView, TaskStateName, TaskView } from '../../../protocols/http/views.ts'
import type { TaskDraft } from '../transport/transport.ts'
import { joinCommand, quoteWord } from './text/command-words.ts'
import { inertText } from './text/inert-text.ts'

export const TASK_STATES: readonly TaskStateName[] = [
  'running',
  'ready',
  'scheduled',
  'blocked',
  'succeeded',
  'failed',
  'dead',
  'cancelled',
]
const TITLE_CHARS_MAX = 160

/** The fields of a spec that the views read; a spec may carry more, from a newer node. */
export type ShownSpec = {
  argv: string[]
  name?: string
  repo?: string
  ref?: string
  worker?: string
  skills?: string[]
  roles?: string[]
  pool?: string
  labels?: Record<string, string>
  priority?: number
  timeoutMs?: number
  attempts?: number
  notBefore?: number
  env?: Record<string, string>
  retryOf?: string
  queueTimeoutMs?: number
  startTimeoutMs?: number
  heartbeatTimeoutMs?: number
  lostAfterMs?: number
  after?: string[]
  afterAny?: boolean
  backoffMs?: number
  backoffMaxMs?: number
  reconcile?: string
  parent?: string
  dedupe?: string
  claim?: string
  schedule?: { id: string; at: number }
  kind?: string
  resources?: { cpus?: number; memoryMb?: number; diskMb?: number; gpus?: number; freeMemoryMb?: number }
  prefer?: Record<string, string>
  concurrency?: { key: string; limit: number }[]
  rate?: { key: string; limit: number; perMs: number }[]
  artifacts?: string[]
  dir?: { hash: string; size: number }
  stdin?: { hash: string; size: number }
  secrets?: string[]
  budgetUsd?: number
}

export function specOf(task: TaskView): ShownSpec {
  return task.spec
}

export function commandOf(task: TaskView): string {
  const { argv } = task.spec
  const script = argv[2]
  // `sh -c SCRIPT` is how a script is published: the script is what people recognise.
  if (argv.length === 3 && argv[0] === 'sh' && argv[1] === '-c' && script !== undefined) return inertText(script.replaceAll('\n', ' '))
  return inertText(joinCommand(argv).replaceAll('\n', ' '))
}

export function titleOf(task: TaskView): string {
  const title = inertText(specOf(task).name ?? '') || commandOf(task)
  return title.length > TITLE_CHARS_MAX ? `${title.slice(0, TITLE_CHARS_MAX)}…` : title
}

export function hasEnded(state: TaskStateName): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'dead' || state === 'cancelled'
}

export function lastAttempt(task: TaskView): AttemptView | undefined {
  return task.attempts.at(-1)
}

/** The loss of a worker uses up no attempt. */
export function usedAttempts(task: TaskView): number {
  return task.attempts.filter((attempt) => attempt.outcome !== 'lost').length
}

/** How an attempt or a task ended, in three words. */
export function endText(end: {
  exitCode?: number | undefined
  signal?: string | undefined
  timedOut?: boolean | undefined
  error?: string | undefined
}): string {
  if (end.timedOut) return 'timed out'
  if (end.signal !== undefined) return `ended by ${end.signal}`
  if (end.exitCode !== undefined) return `exit ${end.exitCode}`
  return end.error === undefined ? '' : inertText(end.error)
}

/** The command that publishes this task's work again. A folder or input that was shipped is not part of it. */
export function againCommand(task: TaskView): string {
  const spec = specOf(task)
  return publishCommand(draftOf(task), moreOptions(spec), spec.afterAny === true ? ['--after-any'] : [])
}

function moreOptions(spec: ShownSpec): [name: string, value: string | number | undefined][] {
  const { resources, after = [], concurrency = [], rate = [], artifacts = [], secrets = [], prefer = {} } = spec
  const span = (ms: number | undefined) => (ms === undefined ? undefined : `${ms}ms`)
  return [
    ['kind', spec.kind === 'shell' ? undefined : spec.kind],
    ['queue-timeout', span(spec.queueTimeoutMs)],
    ['start-timeout', span(spec.startTimeoutMs)],
    ['heartbeat-timeout', span(spec.heartbeatTimeoutMs)],
    ['lost-after', span(spec.lostAfterMs)],
    ['cpus', resources?.cpus],
    ['memory', resources?.memoryMb],
    ['disk', resources?.diskMb],
    ['gpus', resources?.gpus],
    ['free-memory', resources?.freeMemoryMb],
    ['backoff', span(spec.backoffMs)],
    ['backoff-max', span(spec.backoffMaxMs)],
    ['claim', spec.claim],
    ['reconcile', spec.reconcile],
    ['budget', spec.budgetUsd],
    ...after.map((id): [string, string] => ['after', id]),
    ...concurrency.map(({ key, limit }): [string, string] => ['concurrency', `${key}=${limit}`]),
    ...rate.map(({ key, limit, perMs }): [string, string] => ['rate', `${key}=${limit}/${perMs}ms`]),
    ...artifacts.map((glob): [string, string] => ['artifact', glob]),
    ...secrets.map((name): [string, string] => ['secret', name]),
    ...Object.entries(prefer).map(([key, value]): [string, string] => ['prefer', `${key}=${value}`]),
  ]
}

/** The command that publishes a draft, as it can be typed. */
export function publishCommand(
  draft: TaskDraft,
  more: readonly (readonly [string, string | number | undefined])[] = [],
  flags: readonly string[] = [],
): string {
  const words = ['nimbus', 'task', 'run']
  const option = (name: string, value: string | number | undefined) => {
    if (value !== undefined && value !== '') words.push(`--${name}`, quoteWord(String(value)))
  }
  option('name', draft.name)
  option('repo', draft.repo)
  option('ref', draft.ref)
  option('worker', draft.worker)
  for (const skill of draft.skills ?? []) option('skill', skill)
  for (const role of draft.roles ?? []) option('role', role)
  option('pool', draft.pool)
  for (const [key, value] of Object.entries(draft.labels ?? {})) option('label', `${key}=${value}`)
  option('priority', draft.priority === 5 ? undefined : draft.priority)
  option('timeout', typeof draft.timeout === 'number' ? `${draft.timeout}ms` : draft.timeout)
  option('attempts', draft.attempts === 1 ? undefined : draft.attempts)
  for (const [key, value] of Object.entries(draft.env ?? {})) option('env', `${key}=${value}`)
  for (const [name, value] of more) option(name, value)
  words.push(...flags)
  return draft.argv.length === 0 ? words.join(' ') : `${words.join(' ')} -- ${joinCommand(draft.argv)}`
}

function draftOf(task: TaskView): TaskDraft {
  const { argv, name, repo, ref, worker, skills, roles, pool, labels, priority, attempts, env, timeoutMs } = specOf(task)
  const spec = { argv, name, repo, ref, worker, skills, roles, pool, labels, priority, attempts, env, timeout: timeoutMs }
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined)) as TaskDraft
}
