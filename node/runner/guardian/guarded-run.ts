// One run inside the guardian: its process, output, deadline and end. Never reports an end while a process of the run is alive.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { type Cancel, type Clock, sleep } from '../../kernel/clock.ts'
import { createLogWriter, type LogStream, type LogWriter, openLog, STDERR, STDOUT, SYSTEM } from '../output-log.ts'
import { freezeMarked, isAnyAlive, type Mark, signalGroup, type Sweeper, thawMarked } from '../process-sweep.ts'
import type { RunEnd, RunOrder } from '../run-order.ts'
import { createMask, type Mask as Secrets } from './mask.ts'
import { assertFolder, refuseLate, spawnWork, startFault } from './spawn-work.ts'

/** A process in uninterruptible sleep cannot be killed; after this the run is reported with `processes-survived`. */
const SWEEP_MS_MAX = 5_000
/** For output that is still in the pipe when all processes are gone. */
const PIPE_MS_MAX = 1_000

const GRACE_LOOK_MS = 20
/** Longer delays overflow a timer, which then fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

type RunComponents = {
  clock: Clock
  sweeper: Sweeper
  /** Asked at the last moment before the spawn: false once the node is gone. */
  mayStart(): boolean
  onGrowth(size: number): void
}

export type GuardedRun = {
  pid: number
  mark: Mark
  lease: string | undefined
  /** Asks politely, kills after `graceMs`. The first reason stays. */
  stop(graceMs: number, reason: string): void
  freeze(): void
  thaw(): void
  ended: Promise<RunEnd>
}

export async function startRun(components: RunComponents, order: RunOrder): Promise<GuardedRun> {
  const { clock, mayStart, onGrowth } = components
  assertFolder(order.cwd)
  mkdirSync(dirname(order.logFile), { recursive: true })
  const file = await openLog(order.logFile)
  const log = createLogWriter({ clock, file, onGrowth }, { bytesMax: order.logBytesMax })
  const startedAt = clock.wallMs()
  let child: ChildProcess
  try {
    child = mayStart() ? spawnWork(order) : refuseLate()
    // The spawn has waited for the exec: a pid means that the command runs.
    if (child.pid === undefined) throw (await once(child, 'error'))[0]
  } catch (error) {
    await log.end()
    throw startFault(order, error)
  }
  child.on('error', () => {}) // a failed kill; the sweep is what counts
  return guard(components, order, { child, pid: child.pid, log, startedAt })
}

type Started = { child: ChildProcess; pid: number; log: LogWriter; startedAt: number }

function guard(components: RunComponents, order: RunOrder, started: Started): GuardedRun {
  const { clock } = components
  const { pid, log } = started
  const mark: Mark = { environment: `NIMBUS_RUN=${order.id}`, groups: [pid] }
  const state: RunState = { over: false, frozen: false, timedOut: false, killed: false, stopped: undefined, killer: undefined }
  const note = (text: string): void => void log.write(SYSTEM, Buffer.from(`${text}\n`))

  const kill = (): void => {
    state.killed = true
    signalGroup(pid, 'SIGKILL')
  }
  const end = (graceMs: number): void => {
    deadline.pause()
    if (state.over) return
    // A frozen process cannot answer a polite signal, and waking it would let it work without a lease.
    if (state.frozen || graceMs <= 0) return kill()
    if (state.killer) return
    state.killer = clock.after(graceMs, kill)
    signalGroup(pid, 'SIGTERM')
  }
  const deadline = createDeadline(clock, order.timeoutMs, () => {
    state.timedOut = true
    note(`The run was ended, because its ${order.timeoutMs} ms were over.`)
    end(order.graceMs)
  })
  deadline.resume()
  return {
    pid,
    mark,
    lease: order.lease,
    ended: finish(components, order, started, mark, state).finally(() => {
      deadline.pause()
      state.killer?.()
    }),
    stop(graceMs, reason) {
      if (state.over) return
      if (!state.timedOut && state.stopped === undefined) {
        state.stopped = reason
        note(`The run was stopped: ${reason}.`)
      }
      end(graceMs)
    },
    freeze() {
      if (state.frozen || state.over) return
      state.frozen = true
      deadline.pause()
      if (state.killer) return kill() // it was being ended anyway
      freezeMarked(mark)
      note('The run is frozen, because the lease of its node ran out.')
    },
    thaw() {
      if (!state.frozen || state.over) return
      state.frozen = false
      note('The run goes on: the lease was renewed.')
      thawMarked(mark)
      deadline.resume()
    },
  }
}

type RunState = {
  over: boolean
  frozen: boolean
  timedOut: boolean
  killed: boolean
  stopped: string | undefined
  /** There from the polite signal on. */
  killer: Cancel | undefined
}

async function finish(
  { clock, sweeper }: RunComponents,
  order: RunOrder,
  { child, log, startedAt }: Started,
  mark: Mark,
  state: RunState,
): Promise<RunEnd> {
  const tail = createTail(order.tailBytesMax)
  const masked = (): Secrets => createMask(order.mask ?? [])
  const pumps = Promise.all([pump(child.stdout, STDOUT, log, tail, masked()), pump(child.stderr, STDERR, log, tail, masked())])
  const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once('exit', (...how) => resolve(how)))
  // Asked to end, a shell goes at once; the commands that it ran get the rest of the grace.
  while (state.killer && !state.killed && isAnyAlive(mark)) await sleep(clock, GRACE_LOOK_MS)
  // Whatever a command left in the background when it was finished ends with it.
  const survivors = await sweeper.end(mark, SWEEP_MS_MAX)
  state.over = true
  await Promise.race([pumps, sleep(clock, PIPE_MS_MAX)])
  child.stdout?.destroy()
  child.stderr?.destroy()
  await log.end()
  return {
    id: order.id,
    ...(exitCode === null ? {} : { exitCode }),
    ...(signal === null ? {} : { signal }),
    timedOut: state.timedOut,
    ...(state.stopped === undefined ? {} : { stopped: state.stopped }),
    ...(survivors.length === 0 ? {} : { error: 'processes-survived' }),
    startedAt,
    endedAt: clock.wallMs(),
    logSize: log.size(),
    droppedBytes: log.droppedBytes(),
    tail: tail.text(),
  }
}

/** Counts down only while resumed: a frozen run does not use up its time. */
function createDeadline(clock: Clock, timeMs: number | undefined, onOver: () => void): { pause(): void; resume(): void } {
  let leftMs = timeMs ?? Number.POSITIVE_INFINITY
  let cancel: Cancel | undefined
  let since = 0
  const pause = (): void => {
    if (cancel) leftMs -= clock.nowMs() - since
    cancel?.()
    cancel = undefined
  }
  const resume = (): void => {
    if (cancel || leftMs === Number.POSITIVE_INFINITY) return
    since = clock.nowMs()
    cancel = clock.after(Math.min(Math.max(leftMs, 0), TIMER_MS_MAX), () => {
      pause()
      if (leftMs <= 0) onOver()
      else resume()
    })
  }
  return { pause, resume }
}

type Tail = { add(bytes: Uint8Array): void; text(): string }

function createTail(bytesMax: number): Tail {
  let kept = Buffer.alloc(0)
  return {
    add(bytes) {
      kept = Buffer.from(Buffer.concat([kept, bytes.subarray(-bytesMax)]).subarray(-bytesMax))
    },
    text() {
      // A character that was cut at the beginning is left out: at most three continuation bytes.
      let start = 0
      while (start < 3 && kept.length === bytesMax && ((kept[start] ?? 0) & 0xc0) === 0x80) start++
      return kept.toString('utf8', start)
    },
  }
}

async function pump(from: Readable | null, stream: LogStream, log: LogWriter, tail: Tail, mask: Secrets): Promise<void> {
  const put = async (bytes: Uint8Array): Promise<void> => {
    if (bytes.length === 0) return
    tail.add(bytes)
    await log.write(stream, bytes)
  }
  try {
    for await (const bytes of from ?? []) await put(mask.take(bytes))
    await put(mask.rest())
  } catch {
    // The pipe was destroyed after the end of the run: a process that escaped still held it.
  }
}
