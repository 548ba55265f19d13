// One run inside the guardian: its process, output, deadline and end. Never reports an end while a process of the run is alive.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { type Cancel, type Clock, sleep } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import { createLogWriter, type LogStream, type LogWriter, openLog, STDERR, STDOUT, SYSTEM } from './output-log.ts'
import { type Mark, signalGroup, signalMarked, type Sweeper } from './process-sweep.ts'
import type { RunEnd, RunOrder } from './run-order.ts'

/** A process in uninterruptible sleep cannot be killed; after this the run is reported with `processes-survived`. */
const SWEEP_MS_MAX = 5_000
/** For output that is still in the pipe when all processes are gone. */
const PIPE_MS_MAX = 1_000

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
  leaseFree: boolean
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
  return guard(components, order, { child, pid: child.pid as number, log, startedAt })
}

type Started = { child: ChildProcess; pid: number; log: LogWriter; startedAt: number }

function guard(components: RunComponents, order: RunOrder, started: Started): GuardedRun {
  const { clock } = components
  const { pid, log } = started
  const mark: Mark = { environment: `NIMBUS_RUN=${order.id}`, groups: [pid] }
  const state: RunState = { over: false, frozen: false, timedOut: false, stopped: undefined }
  let killer: Cancel | undefined
  const note = (text: string): void => void log.write(SYSTEM, Buffer.from(`${text}\n`))

  const end = (graceMs: number): void => {
    deadline.pause()
    if (state.over) return
    // A frozen process cannot answer a polite signal, and waking it would let it work without a lease.
    if (state.frozen || graceMs <= 0) return signalGroup(pid, 'SIGKILL')
    if (killer) return
    killer = clock.after(graceMs, () => signalGroup(pid, 'SIGKILL'))
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
    leaseFree: order.leaseFree === true,
    ended: finish(components, order, started, mark, state).finally(() => {
      deadline.pause()
      killer?.()
    }),
    stop(graceMs, reason) {
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
      if (killer) return signalGroup(pid, 'SIGKILL') // it was being ended anyway
      signalMarked(mark, 'SIGSTOP')
      note('The run is frozen, because the lease of its node ran out.')
    },
    thaw() {
      if (!state.frozen || state.over) return
      state.frozen = false
      note('The run goes on: the lease was renewed.')
      signalMarked(mark, 'SIGCONT')
      deadline.resume()
    },
  }
}

type RunState = { over: boolean; frozen: boolean; timedOut: boolean; stopped: string | undefined }

async function finish({ clock, sweeper }: RunComponents, order: RunOrder, { child, log, startedAt }: Started, mark: Mark, state: RunState): Promise<RunEnd> {
  const tail = createTail(order.tailBytesMax)
  const pumps = Promise.all([pump(child.stdout, STDOUT, log, tail), pump(child.stderr, STDERR, log, tail)])
  const [exitCode, signal] = await new Promise<[number | null, string | null]>((resolve) => child.once('exit', (...how) => resolve(how)))
  // Whatever the command left in the background ends with it.
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

function spawnWork(order: RunOrder): ChildProcess {
  const [command, ...args] = order.argv
  const stdin = order.stdinFile === undefined ? undefined : openSync(order.stdinFile, 'r')
  try {
    return spawn(command ?? '', args, { cwd: order.cwd, env: order.env, detached: true, stdio: [stdin ?? 'ignore', 'pipe', 'pipe'] })
  } finally {
    if (stdin !== undefined) closeSync(stdin)
  }
}

function refuseLate(): never {
  throw new NimbusError('node-gone', 'The run was not started, because its node is gone.', { cure: 'Start the node again.' })
}

function assertFolder(cwd: string): void {
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) return
  throw new NimbusError('folder-missing', `The work cannot start in ${cwd}, because there is no such folder.`, { cure: 'Create the folder, or name another one.' })
}

function startFault(order: RunOrder, error: unknown): unknown {
  if (error instanceof NimbusError) return error
  const command = order.argv[0] ?? ''
  const fault = (error as { code?: unknown }).code
  if (fault === 'ENOENT' && order.stdinFile === undefined) {
    return new NimbusError('command-not-found', `The command ${JSON.stringify(command)} was not found in ${order.env['PATH'] ?? 'the default path'}.`, { kind: 'missing', cure: 'Install it on this worker, correct its name, or ask for a worker that has it with --skill.' })
  }
  if (fault === 'EACCES') {
    return new NimbusError('command-not-executable', `The command ${JSON.stringify(command)} cannot be run, because its file is not executable for this user.`, { cure: 'Set its executable bit (chmod +x), or name its interpreter first.' })
  }
  return new NimbusError('start-failed', `The command ${JSON.stringify(command)} could not be started, because ${messageOf(error)}.`, { cause: error, cure: 'Look at the limits of this machine (processes, memory, length of arguments).' })
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

async function pump(from: Readable | null, stream: LogStream, log: LogWriter, tail: Tail): Promise<void> {
  try {
    for await (const bytes of from ?? []) {
      tail.add(bytes)
      await log.write(stream, bytes)
    }
  } catch {
    // The pipe was destroyed after the end of the run: a process that escaped still held it.
  }
}
