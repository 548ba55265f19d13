// Runs a task's command on this machine: a fresh folder, the repository if it names one, the process under the guardian, its
// log into the blob store, and one outcome. It knows nothing of registers or leases beyond the name of the term.
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobHash, TaskId } from '../../../protocols/ids.ts'
import { LOG_BYTES_MAX, TAIL_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Outcome } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { cloneInto } from '../../repos/clone.ts'
import type { Workspaces } from '../../repos/workspaces.ts'
import type { Runner } from '../../runner/guardian-client.ts'
import type { RunEnd } from '../../runner/run-order.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { Work, WorkOrder } from '../execution.ts'

export type Progress = { phase: string; message: string; percent?: number }

export type ShellWorkComponents = {
  clock: Clock
  log: Log
  dataDir: string
  runner: Runner
  workspaces: Workspaces
  blobs: BlobStore
  clone: typeof cloneInto
  /** Variables that tell the work where it runs, its token among them. */
  environment(order: WorkOrder): Record<string, string>
  onProgress(task: TaskId, epoch: number, progress: Progress | undefined): void
  ended(task: TaskId, epoch: number, outcome: Outcome): void
}

export type ShellWork = Work & {
  /** The log file of a run that has not been put away yet. */
  logFile(task: TaskId, epoch: number): string
  runId(task: TaskId, epoch: number): string
  /** Settles when nothing runs and every log is put away. */
  idle(): Promise<void>
}

type Running = { order: WorkOrder; abort: AbortController; stopped?: string; done: Promise<void> }

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000

export function createShellWork(components: ShellWorkComponents): ShellWork {
  const { clock, runner, workspaces, blobs } = components
  const running = new Map<string, Running>()
  const ends = new Map<string, (end: RunEnd) => void>()
  runner.onEnd((end) => ends.get(end.id)?.(end))

  const runId = (task: TaskId, epoch: number): string => `${task}-${epoch}`
  const logFile = (task: TaskId, epoch: number): string => join(components.dataDir, 'logs', `${runId(task, epoch)}.log`)

  const fetchRepository = async (run: Running, dir: string): Promise<void> => {
    const { task, epoch, spec } = run.order
    if (spec.repo === undefined) return void (await mkdir(dir, { recursive: true }))
    components.onProgress(task, epoch, { phase: 'cloning', message: 'asking the server' })
    await components.clone({
      url: spec.repo,
      ...(spec.ref === undefined ? {} : { ref: spec.ref }),
      dir,
      clock,
      signal: run.abort.signal,
      onProgress: ({ phase, loaded, total, percent }) =>
        components.onProgress(task, epoch, {
          phase: 'cloning',
          message: total === undefined ? `${phase}: ${loaded}` : `${phase}: ${loaded} of ${total}`,
          ...(percent === undefined ? {} : { percent }),
        }),
    })
  }
  const execute = async (run: Running): Promise<RunEnd> => {
    const { task, epoch, spec, term } = run.order
    const root = await workspaces.create(task, epoch)
    const dir = join(root, 'work')
    await fetchRepository(run, dir)
    await Promise.all([mkdir(join(root, 'home')), mkdir(join(root, 'tmp')), mkdir(join(components.dataDir, 'logs'), { recursive: true })])
    components.onProgress(task, epoch, undefined)
    if (run.stopped !== undefined) throw new NimbusError('stopped', `The run was ended before its command started: ${run.stopped}.`)
    const id = runId(task, epoch)
    const end = new Promise<RunEnd>((resolve) => ends.set(id, resolve))
    await runner.start({
      id,
      argv: spec.argv,
      cwd: dir,
      env: { HOME: join(root, 'home'), TMPDIR: join(root, 'tmp'), ...components.environment(run.order), ...spec.env },
      ...(spec.timeoutMs === undefined ? {} : { timeoutMs: spec.timeoutMs }),
      graceMs: GRACE_MS,
      logFile: logFile(task, epoch),
      logBytesMax: LOG_BYTES_MAX,
      tailBytesMax: TAIL_BYTES_MAX,
      lease: term,
    })
    if (run.stopped !== undefined) void runner.stop(id, { graceMs: GRACE_MS, reason: run.stopped })
    return end
  }
  const carryOut = async (run: Running): Promise<void> => {
    const { task, epoch } = run.order
    let outcome: Outcome
    try {
      const end = await execute(run)
      outcome = { ...outcomeOf(end, run.stopped), ...(await putAwayLog(task, epoch, end)) }
    } catch (error) {
      outcome = failureOf(error, run.stopped, clock.wallMs())
    }
    ends.delete(runId(task, epoch))
    running.delete(runId(task, epoch))
    components.onProgress(task, epoch, undefined)
    components.ended(task, epoch, outcome)
    await workspaces.release(task, epoch, { failed: outcome.result === 'failed' })
  }
  /** A log that cannot be put away stays as a file: the outcome counts, and this node still finds it. */
  const putAwayLog = async (task: TaskId, epoch: number, end: RunEnd): Promise<Pick<Outcome, 'log' | 'tail'>> => {
    const file = logFile(task, epoch)
    if (end.logSize === 0) {
      await rm(file, { force: true })
      return {}
    }
    const blob = await blobs.putFile(file)
    await rm(file, { force: true })
    return { log: { hash: blob.hash as BlobHash, size: end.logSize }, tail: end.tail }
  }

  return {
    start(order) {
      const run: Running = { order, abort: new AbortController(), done: Promise.resolve() }
      running.set(runId(order.task, order.epoch), run)
      run.done = carryOut(run).catch((error: unknown) =>
        components.log.error({ task: order.task, error: messageOf(error) }, 'a run could not be put away'),
      )
    },
    stop(task, epoch, reason) {
      const run = running.get(runId(task, epoch))
      if (run === undefined || run.stopped !== undefined) return
      run.stopped = reason
      run.abort.abort()
      // What lost its lease is frozen and gets no grace: it must not work any more.
      void runner.stop(runId(task, epoch), { graceMs: reason === 'lost' ? 0 : GRACE_MS, reason })
    },
    logFile,
    runId,
    idle: async () => void (await Promise.all([...running.values()].map((run) => run.done))),
  }
}

function outcomeOf(end: RunEnd, stopped: string | undefined): Outcome {
  const { exitCode, signal, timedOut, error, endedAt } = end
  const facts = {
    endedAt,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(timedOut ? { timedOut } : {}),
    ...(error === undefined ? {} : { error }),
  }
  if (end.stopped !== undefined && stopped === 'cancelled') return { result: 'cancelled', ...facts }
  // What Nimbus itself took away from the work counts as a loss, not as an attempt.
  if (end.stopped !== undefined || error === 'guardian-died') return { result: 'lost', ...facts }
  return { result: exitCode === 0 ? 'succeeded' : 'failed', ...facts }
}

function failureOf(error: unknown, stopped: string | undefined, endedAt: number): Outcome {
  if (stopped !== undefined) return { result: stopped === 'cancelled' ? 'cancelled' : 'lost', endedAt }
  const { code, cure } = error instanceof NimbusError ? error : { code: 'failed', cure: undefined }
  const text = `${messageOf(error)}${cure === undefined ? '' : ` ${cure}`}`.slice(0, 2_000)
  return { result: 'failed', endedAt, error: text, ...(code === 'command-not-found' ? { exitCode: 127 } : {}) }
}
