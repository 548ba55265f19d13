// Runs a task's command on this machine: what it needs made ready, the process under the guardian, its log and files into the blob
// store, and one outcome. It knows nothing of registers or leases beyond the name of the term.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { BlobHash, TaskId } from '../../../protocols/ids.ts'
import { LOG_BYTES_MAX, TAIL_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Outcome } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { Workspaces } from '../../repos/workspaces.ts'
import type { Runner } from '../../runner/guardian-client.ts'
import type { RunEnd } from '../../runner/run-order.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { Work, WorkOrder } from '../execution.ts'
import type { AgentWork } from './agent-work.ts'
import { collectArtifacts } from './artifacts.ts'
import type { BuildWork } from '../builds/build-work.ts'
import type { Prepare, Prepared, Progress } from './prepare-run.ts'
import type { ServiceRuns } from './service-runs.ts'
import { graceMsOf, preparedAs } from './service-runs.ts'
import type { OwnLimit, RunLimits } from './run-limits.ts'
import { createRunLimits, outcomeOfLimit } from './run-limits.ts'

/** What work says of itself. */
export type WorkReport = { percent?: number | undefined; message?: string | undefined; costUsd?: number | undefined }

export type ShellWorkComponents = {
  clock: Clock
  log: Log
  dataDir: string
  runner: Runner
  workspaces: Pick<Workspaces, 'release'>
  blobs: BlobStore
  prepare: Prepare
  /** Sessions of agents: prepared, read and collected by their own room. */
  agents: AgentWork
  builds: BuildWork
  /** Variables that tell the work where it runs, its token among them. */
  environment(order: WorkOrder): Record<string, string>
  /** The secrets that the task names, opened: values by name. */
  secrets(order: WorkOrder): Promise<Record<string, string>>
  services: ServiceRuns
  onProgress(task: TaskId, epoch: number, progress: Progress | undefined): void
  ended(task: TaskId, epoch: number, outcome: Outcome): void
}

export type ShellWork = Work & {
  /** The log file of a run that has not been put away yet. */
  logFile(task: TaskId, epoch: number): string
  runId(task: TaskId, epoch: number): string
  /** What a run says of itself; false where none of this task runs here. */
  report(task: TaskId, report: WorkReport): boolean
  /** Settles when nothing runs and every log is put away. */
  idle(): Promise<void>
}

type Running = {
  order: WorkOrder
  abort: AbortController
  limits: RunLimits
  /** Why it is being ended from outside of the process. */
  stopped?: 'cancelled' | 'lost' | 'shutdown' | OwnLimit
  prepared?: Prepared
  secrets: string[]
  done: Promise<void>
}

const OWN_LIMITS: ReadonlySet<string | undefined> = new Set<OwnLimit>(['start', 'heartbeat', 'budget'])

export function createShellWork(components: ShellWorkComponents): ShellWork {
  const { clock, runner, workspaces, blobs } = components
  const running = new Map<string, Running>()
  const ends = new Map<string, (end: RunEnd) => void>()
  runner.onEnd((end) => ends.get(end.id)?.(end))

  const runId = (task: TaskId, epoch: number): string => `${task}-${epoch}`
  const logFile = (task: TaskId, epoch: number): string => join(components.dataDir, 'logs', `${runId(task, epoch)}.log`)

  const execute = async (run: Running): Promise<RunEnd> => {
    const { task, epoch, spec } = run.order
    const prepare = spec.kind === 'agent' ? components.agents.prepare : components.prepare
    const prepared: Prepared & { argv?: string[] } = await prepare(preparedAs(run.order), run.abort.signal, (progress) =>
      components.onProgress(task, epoch, progress),
    )
    run.prepared = prepared
    const secrets = await components.secrets(run.order)
    run.secrets = Object.values(secrets)
    components.onProgress(task, epoch, undefined)
    if (run.stopped !== undefined) throw new NimbusError('stopped', `The run was ended before its command started: ${run.stopped}.`)
    const id = runId(task, epoch)
    const end = new Promise<RunEnd>((resolve) => ends.set(id, resolve))
    await runner.start({
      id,
      argv: prepared.argv ?? commandOf(run.order, prepared),
      cwd: prepared.cwd,
      env: environmentOf(run.order, prepared, secrets),
      ...(run.secrets.length === 0 ? {} : { mask: run.secrets }),
      ...(prepared.stdinFile === undefined ? {} : { stdinFile: prepared.stdinFile }),
      ...(spec.timeoutMs === undefined ? {} : { timeoutMs: spec.timeoutMs }),
      graceMs: graceMsOf(spec),
      logFile: logFile(task, epoch),
      logBytesMax: LOG_BYTES_MAX,
      tailBytesMax: TAIL_BYTES_MAX,
      // Available work is not frozen: it may run twice, so it need not stand still.
      ...(run.order.spec.claim === 'available' ? {} : { lease: run.order.term }),
    })
    run.limits.started(runner.follow(id))
    if (spec.kind === 'agent') components.agents.started(run.order, logFile(task, epoch), runner.follow(id))
    if (run.stopped !== undefined) void runner.stop(id, { graceMs: graceMsOf(run.order.spec), reason: run.stopped })
    return end
  }
  const commandOf = (order: WorkOrder, prepared: Prepared): string[] => {
    if (order.spec.kind === 'service') return components.services.begin(order, prepared.root)
    return order.spec.kind === 'build' ? components.builds.argv(prepared, order.spec) : order.spec.argv
  }
  const environmentOf = (order: WorkOrder, prepared: Prepared, secrets: Record<string, string>): Record<string, string> => ({
    ...prepared.env,
    ...(order.spec.kind === 'build' || order.spec.kind === 'agent' ? components.builds.environment : {}),
    ...components.environment(order),
    ...order.spec.env,
    ...secrets,
  })
  const carryOut = async (run: Running): Promise<void> => {
    const { task, epoch } = run.order
    let outcome: Outcome
    try {
      const end = await execute(run)
      const left = run.order.spec.kind === 'agent' ? await components.agents.finish(run.order) : {}
      outcome = { ...left, ...outcomeOf(end, run, clock.wallMs()), ...(await putAwayLog(task, epoch, end)) }
      outcome = { ...outcome, ...(await putAwayFiles(run, outcome)) }
    } catch (error) {
      outcome = failureOf(error, run, clock.wallMs())
    }
    run.limits.end()
    if (run.order.spec.kind === 'service') components.services.over(run.order)
    const costUsd = run.limits.costUsd()
    if (costUsd !== undefined) outcome = { ...outcome, costUsd }
    if (run.prepared?.notes !== undefined) outcome = { ...outcome, notes: run.prepared.notes }
    ends.delete(runId(task, epoch))
    running.delete(runId(task, epoch))
    components.onProgress(task, epoch, undefined)
    if (run.order.spec.kind === 'agent') components.agents.ended(run.order, outcome)
    components.ended(task, epoch, outcome)
    if (run.order.spec.kind !== 'agent') await workspaces.release(task, epoch, { failed: outcome.result === 'failed' })
  }
  /** A log that cannot be put away fails the run; its file goes with the leftovers of dead runs. */
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
  /** Whoever asked for files has nothing without them: a success that cannot keep them is none. A failure leaves what it can. */
  const putAwayFiles = async (run: Running, { result }: Outcome): Promise<Partial<Outcome>> => {
    const { kind, artifacts: globs } = run.order.spec
    if (run.prepared === undefined || result === 'lost' || result === 'cancelled') return {}
    try {
      if (kind === 'build') return await components.builds.read(run.prepared, run.order)
      if (globs === undefined) return {}
      const artifacts = await collectArtifacts(run.prepared.cwd, globs, blobs)
      return artifacts.length === 0 ? {} : { artifacts }
    } catch (error) {
      return result === 'succeeded' ? { result: 'failed', error: messageOf(error) } : {}
    }
  }
  const endBy = (run: Running, reason: NonNullable<Running['stopped']>): void => {
    if (run.stopped !== undefined) return
    run.stopped = reason
    run.abort.abort()
    // What lost its lease is frozen and gets no grace: it must not work any more.
    void runner.stop(runId(run.order.task, run.order.epoch), { graceMs: reason === 'lost' ? 0 : graceMsOf(run.order.spec), reason })
  }

  return {
    start(order) {
      const { task, epoch, spec } = order
      if (spec.kind === 'noop') return queueMicrotask(() => components.ended(task, epoch, { result: 'succeeded', endedAt: clock.wallMs() }))
      const limits = createRunLimits(clock, spec, (limit) => endBy(run, limit))
      const run: Running = { order, abort: new AbortController(), limits, secrets: [], done: Promise.resolve() }
      running.set(runId(task, epoch), run)
      run.done = carryOut(run).catch((error: unknown) =>
        components.log.error({ task, error: messageOf(error) }, 'a run could not be put away'),
      )
    },
    stop(task, epoch, reason) {
      const run = running.get(runId(task, epoch))
      if (run !== undefined) endBy(run, reason)
    },
    report(task, { percent, message, costUsd }) {
      const run = [...running.values()].find((one) => one.order.task === task)
      if (run === undefined) return false
      run.limits.heard()
      if (costUsd !== undefined) run.limits.cost(costUsd)
      const shown = run.secrets.reduce((text, secret) => text.replaceAll(secret, '***'), message ?? '')
      const cost = run.limits.costUsd()
      components.onProgress(task, run.order.epoch, {
        phase: 'working',
        message: shown,
        ...(percent === undefined ? {} : { percent }),
        ...(cost === undefined ? {} : { costUsd: cost }),
      })
      return true
    },
    logFile,
    runId,
    idle: async () => void (await Promise.all([...running.values()].map((run) => run.done))),
  }
}

function outcomeOf(end: RunEnd, run: Running, now: number): Outcome {
  const { exitCode, signal, timedOut, error, endedAt } = end
  if (end.stopped !== undefined && OWN_LIMITS.has(run.stopped))
    return outcomeOfLimit(run.stopped as OwnLimit, run.order.spec, run.limits.costUsd(), now)
  const facts = {
    endedAt,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(timedOut ? { timedOut, timeout: 'total' as const } : {}),
    ...(error === undefined ? {} : { error }),
  }
  if (end.stopped !== undefined && run.stopped === 'cancelled') return { result: 'cancelled', ...facts }
  // What Nimbus itself took away from the work counts as a loss, not as an attempt.
  if (end.stopped !== undefined || error === 'guardian-died') return { result: 'lost', ...facts }
  return { result: exitCode === 0 ? 'succeeded' : 'failed', ...facts }
}

function failureOf(error: unknown, { stopped, order, limits }: Running, endedAt: number): Outcome {
  if (OWN_LIMITS.has(stopped)) return outcomeOfLimit(stopped as OwnLimit, order.spec, limits.costUsd(), endedAt)
  if (stopped !== undefined) return { result: stopped === 'cancelled' ? 'cancelled' : 'lost', endedAt }
  const { code, cure } = error instanceof NimbusError ? error : { code: 'failed', cure: undefined }
  const text = `${messageOf(error)}${cure === undefined ? '' : ` ${cure}`}`.slice(0, 2_000)
  return { result: 'failed', endedAt, error: text, ...(code === 'command-not-found' ? { exitCode: 127 } : {}) }
}
