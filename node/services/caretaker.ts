// The services that this worker holds: makes ready what is wanted of each, hands it to its supervisor, and tells the mesh what that
// one sees. Who holds a service is decided by its task alone; here it is taken as given.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../protocols/records.ts'
import type { ObservedService, ServiceSpec } from '../../protocols/services/service-records.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Service, ServiceBook } from './book.ts'
import { post, watchMail } from './mailbox.ts'
import type { Target } from './plan.ts'
import { targetOf } from './plan.ts'
import type { Stage } from './stage.ts'
import { readPort } from './stage.ts'

export type CaretakerComponents = {
  clock: Clock
  log: Log
  dataDir: string
  book: Pick<ServiceBook, 'get'>
  stage: Stage
  /** The words that start a supervisor; the folder of its run follows. */
  supervisor: readonly string[]
  append(entry: Entry): unknown
  /** Why this worker does not run such a thing of this author; undefined where it does. */
  refusal(spec: ServiceSpec, author: PeerId): string | undefined
  /** Variables that tell the work where it runs. */
  environment(task: TaskId, epoch: number): Record<string, string>
}
export type HeldService = { task: TaskId; epoch: number; spec: TaskSpec }
export type Caretaker = {
  /** A run of kind `service` begins in this folder. @returns its command */
  begin(held: HeldService, root: string): string[]
  over(task: TaskId, epoch: number): void
  /** Something new was said of a service. */
  changed(name: string): void
}

type Run = HeldService & {
  name: string
  generation: number
  root: string
  /** What the worker before saw: the revision that was good there. */
  seed: ObservedService | undefined
  report: ObservedService | undefined
  failed: ObservedService['failed']
  told: string
  step: number
  wish: string
  before: number | undefined
  staging: AbortController
  failures: number
  cancels: Cancel[]
}

const RETRY_FIRST_MS = 2_000
const RETRY_MAX_MS = 120_000

export function createCaretaker(components: CaretakerComponents): Caretaker {
  const { clock, log, book, dataDir } = components
  const runs = new Map<TaskId, Run>()

  const homeOf = (name: string): string => join(dataDir, 'services', name)
  const observedOf = ({ seed, report, failed }: Run): ObservedService | undefined => {
    const base = report ?? seed
    if (base === undefined && failed === undefined) return undefined
    const known = { ...seed, ...report, ...(failed === undefined ? {} : { failed }) }
    return { ...known, state: report?.state ?? 'preparing', since: report?.since ?? clock.wallMs(), restarts: report?.restarts ?? 0 }
  }
  const tell = (run: Run, observed: ObservedService): void => {
    const text = JSON.stringify(observed)
    if (text === run.told || runs.get(run.task) !== run) return
    run.told = text
    run.step += 1
    const { name, generation, epoch, step } = run
    components.append({ kind: 'service-state', name, generation, epoch, step, observed })
  }
  const evaluate = (run: Run): void => {
    const service = book.get(run.name)
    if (service === undefined || service.generation !== run.generation || service.desired !== 'running') return
    const target = targetOf(service, observedOf(run))
    const wish = `${target.revision}-${target.launch}`
    if (wish === run.wish) return
    run.wish = wish
    run.staging.abort()
    run.staging = new AbortController()
    void prepare(run, target, run.staging.signal)
  }
  const prepare = async (run: Run, target: Target, signal: AbortSignal): Promise<void> => {
    try {
      const refusal = components.refusal(target.spec, target.author)
      if (refusal !== undefined) throw new NimbusError('refused', `this worker does not run it: ${refusal}`, { kind: 'refused' })
      const home = homeOf(run.name)
      await mkdir(home, { recursive: true, mode: 0o700 })
      const portBefore = await readPort(join(home, 'port'))
      const env = components.environment(run.task, run.epoch)
      const place = { name: run.name, root: run.root, home: join(home, 'home'), env, portBefore }
      const order = await components.stage(target, place, signal)
      if (!signal.aborted) await post(run.root, 'order.json', order)
    } catch (error) {
      if (!signal.aborted) failed(run, target, error)
    }
  }
  const failed = (run: Run, { revision, launch }: Target, error: unknown): void => {
    const cure = error instanceof NimbusError ? error.cure : undefined
    const reason = `${messageOf(error)}${cure === undefined ? '' : ` ${cure}`}`.slice(0, 1000)
    log.warn({ service: run.name, revision, reason }, 'a service could not be made ready')
    run.failed = { revision, launch, reason, at: clock.wallMs() }
    const observed = observedOf(run) as ObservedService
    tell(run, run.report === undefined ? { ...observed, state: 'waiting', reason } : observed)
    run.failures += 1
    const pauseMs = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (run.failures - 1))
    evaluate(run) // back to the one before, where there is one
    run.cancels.push(
      clock.after(pauseMs, () => {
        if (run.report?.revision !== undefined) return
        run.wish = ''
        evaluate(run)
      }),
    )
  }
  const heard = (run: Run, report: ObservedService): void => {
    run.report = report
    if (report.failed !== undefined) run.failed = report.failed
    else if (run.failed !== undefined && report.revision !== undefined && report.revision >= run.failed.revision) run.failed = undefined
    if (report.port !== undefined) void keepPort(run, report.port)
    if (report.state === 'running' && report.revision !== run.before) {
      run.failures = 0
      void dropOld(run, report.revision ?? 0)
    }
    tell(run, observedOf(run) as ObservedService)
    evaluate(run)
  }
  const keepPort = (run: Run, port: number): Promise<void> =>
    writeFile(join(homeOf(run.name), 'port'), String(port), { mode: 0o600 }).catch(onError)
  /** Folders of revisions that nobody needs: all but the live one and the one before it, which may still answer. */
  const dropOld = async (run: Run, live: number): Promise<void> => {
    const kept = new Set([live, run.before, book.get(run.name)?.revision])
    run.before = live
    const names = await readdir(run.root).catch(() => []) // the run is over
    for (const name of names) {
      const number = Number(/^revision-(\d+)(\.ready)?$/.exec(name)?.[1])
      if (!Number.isNaN(number) && !kept.has(number)) await rm(join(run.root, name), { recursive: true, force: true }).catch(onError)
    }
  }
  const onError = (error: unknown): void => log.warn({ reason: messageOf(error) }, 'a file of a service could not be written or removed')

  return {
    begin(held, root) {
      const of = held.spec.service
      if (of === undefined || book.get(of.name)?.generation === undefined)
        throw new NimbusError('service-unknown', 'This task belongs to no service.', {
          kind: 'missing',
          cure: 'nimbus service ls lists them.',
        })
      const run: Run = {
        ...held,
        ...of,
        root,
        seed: seedOf(book.get(of.name), of.generation),
        report: undefined,
        failed: undefined,
        told: '',
        step: 0,
        wish: '',
        before: undefined,
        staging: new AbortController(),
        failures: 0,
        cancels: [],
      }
      runs.set(held.task, run)
      run.cancels.push(watchMail(clock, { root, name: 'report.json' }, { mail: (report) => heard(run, report), error: onError }))
      evaluate(run)
      return [...components.supervisor, root]
    },
    over(task, epoch) {
      const run = runs.get(task)
      if (run?.epoch !== epoch) return
      runs.delete(task)
      run.staging.abort()
      for (const cancel of run.cancels) cancel()
    },
    changed(name) {
      for (const run of runs.values()) if (run.name === name) evaluate(run)
    },
  }
}

/** Of another worker counts which revision was good there and which was not; where it answered does not. */
function seedOf(service: Service | undefined, generation: number): ObservedService | undefined {
  const told = service?.told
  if (told === undefined || told.generation !== generation) return undefined
  const { host: _host, port: _port, reason: _reason, ...observed } = told.observed
  return observed
}
