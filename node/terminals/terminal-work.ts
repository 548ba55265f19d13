// Tasks of kind `terminal`: starts the host of one, or finds it again after this node was killed or started anew, and settles the task when
// its command ends. A terminal belongs to one worker, so no other node can begin it; and where one was begun it is never begun again.
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { isTaskId } from '../../protocols/ids.ts'
import { TAIL_BYTES_MAX } from '../../protocols/limits.ts'
import type { Outcome } from '../../protocols/records.ts'
import { type Clock, sleep } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { HostConnection } from '../runner/terminal/host-client.ts'
import { connectHost, endOf, endOrphans, startHost, traceOf } from '../runner/terminal/host-client.ts'
import type { HostEnd } from '../runner/terminal/wire.ts'
import type { Work, WorkOrder } from '../tasks/execution.ts'
import type { TaskState } from '../tasks/fold/fold.ts'
import type { Prepare, PreparationComponents, Progress } from '../tasks/work/prepare-run.ts'
import { createPreparation } from '../tasks/work/prepare-run.ts'

/** Between the polite signals and the hard one. */
const GRACE_MS = 2_000
const DEFAULT_SIZE = { cols: 80, rows: 24 }
/** A host that was asked to end has so long, its own sweep included. */
const END_MS_MAX = 15_000

export type TerminalWorkComponents = {
  self: PeerId
  clock: Clock
  log: Log
  dataDir: string
  preparation: Omit<PreparationComponents, 'workspaces'>
  environment(order: WorkOrder): Record<string, string>
  secrets(order: WorkOrder): Promise<Record<string, string>>
  onProgress(task: TaskId, epoch: number, progress: Progress | undefined): void
  ended(task: TaskId, epoch: number, outcome: Outcome): void
  /** The task as this node knows it. */
  stateOf(task: TaskId): TaskState | undefined
}

export type TerminalWork = Work & {
  has(task: TaskId, epoch: number): boolean
  folderOf(task: TaskId): string
  /** Ends what is left of a terminal whose task is over, and removes its folder. */
  note(state: TaskState): void
  /** The same for all that lies here; at the node's start. */
  sweep(): Promise<void>
}

type Running = {
  order: WorkOrder
  abort: AbortController
  connection?: HostConnection
  stopped?: 'cancelled' | 'lost' | 'shutdown'
}

export function createTerminalWork(components: TerminalWorkComponents): TerminalWork {
  const { self, clock, log, dataDir } = components
  const root = join(dataDir, 'terminals')
  const running = new Map<string, Running>()
  const leaving = new Set<TaskId>()
  const folderOf = (task: TaskId): string => join(root, task)
  const keyOf = (task: TaskId, epoch: number): string => `${task}-${epoch}`
  const prepare: Prepare = createPreparation({
    ...components.preparation,
    workspaces: {
      async create(task) {
        await mkdir(join(folderOf(task as TaskId), 'place'), { recursive: true, mode: 0o700 })
        return join(folderOf(task as TaskId), 'place')
      },
    },
  })

  const begin = async ({ order, abort }: Running, folder: string): Promise<HostConnection> => {
    const { task, epoch, spec } = order
    const prepared = await prepare(order, abort.signal, (progress) => components.onProgress(task, epoch, progress))
    const secrets = await components.secrets(order)
    components.onProgress(task, epoch, undefined)
    abort.signal.throwIfAborted()
    const size = spec.size ?? DEFAULT_SIZE
    const terminal = { TERM: 'xterm-256color', COLORTERM: 'truecolor', NIMBUS_TERMINAL: task }
    const env = { ...prepared.env, ...components.environment(order), ...terminal, ...spec.env, ...secrets }
    await startHost(clock, { folder, task, argv: spec.argv, cwd: prepared.cwd, env, size: { cols: size.cols, rows: size.rows } })
    return connectHost(folder)
  }
  /** The end of the terminal; undefined where the node was told to let go of it. */
  const endOfRun = async (run: Running): Promise<HostEnd | undefined> => {
    const { task, epoch } = run.order
    const folder = folderOf(task)
    const found = await connectHost(folder).catch(() => undefined) // none answers: what the folder tells decides
    const trace = traceOf(folder)
    if (found === undefined && trace === 'begun') await refuseSecond(clock, task)
    if (found !== undefined || trace === 'none') {
      const connection = found ?? (await begin(run, folder))
      run.connection = connection
      connection.say({ t: 'control', epoch })
      if (run.stopped !== undefined) letGo(run)
      for await (const _frame of connection.frames()); // it says nothing to its node: the end of the connection is the end
      if (run.stopped === 'lost' || run.stopped === 'shutdown') return undefined
    }
    return endOf(folder) ?? refuseSecond(clock, task)
  }
  const carryOut = async (run: Running): Promise<void> => {
    const { task, epoch } = run.order
    let outcome: Outcome
    try {
      outcome = outcomeOf(await endOfRun(run), run, clock.wallMs())
    } catch (error) {
      outcome = failureOf(error, run, clock.wallMs())
    }
    running.delete(keyOf(task, epoch))
    components.onProgress(task, epoch, undefined)
    components.ended(task, epoch, outcome)
  }
  const putAway = async (task: TaskId): Promise<void> => {
    if (leaving.has(task)) return
    leaving.add(task)
    try {
      await endHost(clock, folderOf(task))
      await endOrphans(clock, task)
      await rm(folderOf(task), { recursive: true, force: true, maxRetries: 3 })
    } catch (error) {
      log.warn({ task, reason: messageOf(error) }, 'what is left of a terminal cannot be removed')
    } finally {
      leaving.delete(task)
    }
  }
  const isRunning = (task: TaskId): boolean => [...running.values()].some(({ order }) => order.task === task)
  const note = ({ id, task, value }: TaskState): void => {
    if (task?.spec.kind !== 'terminal' || task.spec.worker !== self || value.state !== 'settled') return
    if (!isRunning(id) && existsSync(folderOf(id))) void putAway(id)
  }

  return {
    start(order) {
      const run: Running = { order, abort: new AbortController() }
      running.set(keyOf(order.task, order.epoch), run)
      void carryOut(run)
    },
    stop(task, epoch, reason) {
      const run = running.get(keyOf(task, epoch))
      if (run === undefined || run.stopped !== undefined) return
      run.stopped = reason
      run.abort.abort(new Error(`the terminal was ended before it opened: ${reason}`))
      letGo(run)
    },
    has: (task, epoch) => running.has(keyOf(task, epoch)),
    folderOf,
    note,
    async sweep() {
      const names = await readdir(root).catch(() => []) // not there before the first terminal
      for (const name of names) {
        const state = isTaskId(name) ? components.stateOf(name) : undefined
        if (state !== undefined) note(state)
      }
    },
  }
}

/** A cancelled terminal ends; one that this node may not hold any more, or stops with it, goes on and is found again. */
function letGo({ connection, stopped }: Running): void {
  if (stopped === 'cancelled') connection?.say({ t: 'end', graceMs: GRACE_MS })
  else connection?.close()
}

async function endHost(clock: Clock, folder: string): Promise<void> {
  const host = await connectHost(folder).catch(() => undefined) // nobody there: nothing to end
  if (host === undefined) return
  host.say({ t: 'end', graceMs: GRACE_MS })
  const read = async (): Promise<void> => {
    for await (const _frame of host.frames()); // nothing is said to it: the end of the connection is the end
  }
  await Promise.race([read(), sleep(clock, END_MS_MAX)])
  host.close()
}

/** It was begun, and neither answers nor said how it ended: whatever it left is ended, and it is not begun a second time. */
async function refuseSecond(clock: Clock, task: TaskId): Promise<never> {
  await endOrphans(clock, task)
  throw new NimbusError('terminal-lost', 'The terminal was lost with its machine, or its host was killed; it is not begun a second time.', {
    cure: 'Start a new one.',
  })
}

function outcomeOf(end: HostEnd | undefined, { stopped }: Running, now: number): Outcome {
  if (end === undefined) return { result: 'lost', endedAt: now }
  const { exitCode, signal, endedAt, screen, asked } = end
  const facts = {
    endedAt,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    tail: Buffer.from(screen)
      .subarray(-TAIL_BYTES_MAX)
      .toString()
      .replace(/^\ufffd+/, ''),
  }
  if (asked && stopped === 'cancelled') return { result: 'cancelled', ...facts }
  return { result: exitCode === 0 ? 'succeeded' : 'failed', ...facts }
}

function failureOf(error: unknown, { stopped }: Running, endedAt: number): Outcome {
  if (stopped !== undefined) return { result: stopped === 'cancelled' ? 'cancelled' : 'lost', endedAt }
  const { code, cure } = error instanceof NimbusError ? error : { code: 'failed', cure: undefined }
  const text = `${messageOf(error)}${cure === undefined ? '' : ` ${cure}`}`.slice(0, 2_000)
  return { result: 'failed', endedAt, error: text, ...(code === 'command-not-found' ? { exitCode: 127 } : {}) }
}
