// Time comes only through a Clock, so that a whole mesh can run under a virtual one.
import { uptime } from 'node:os'
import { createSleeplessTime } from './suspend.ts'

/** Cancels a timer; safe to call twice. */
export type Cancel = () => void

export type Clock = {
  /** Wall clock, milliseconds since 1970. For people and for ordering hints, never for leases. */
  wallMs(): number
  /** Monotonic milliseconds that count sleep of the machine; differences only. On Linux the same line for all processes of a machine. */
  nowMs(): number
  /** Calls back once after `delayMs`. */
  after(delayMs: number, callback: () => void): Cancel
}

/** The machine's own clock. Timers do not keep the process alive. */
export function createSystemClock(): Clock {
  return systemClock((timer) => timer.unref())
}

/** The machine's own clock for a process that must live until its timers have fired (the guardian after its node has gone). */
export function createHoldingClock(): Clock {
  return systemClock(() => {})
}

function systemClock(prepare: (timer: NodeJS.Timeout) => void): Clock {
  return {
    wallMs: () => Date.now(),
    nowMs: createSleeplessTime(
      () => uptime() * 1000,
      () => Number(process.hrtime.bigint() / 1000n) / 1000,
    ),
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs)
      prepare(timer)
      return () => clearTimeout(timer)
    },
  }
}

/** Runs `task` every `periodMs`, the next period counted from its end; errors go to `onError`. */
export function repeat(
  clock: Clock,
  periodMs: number | (() => number),
  task: () => void | Promise<void>,
  onError: (error: unknown) => void,
): Cancel {
  let stopped = false
  let cancel: Cancel = () => {}
  const period = () => (typeof periodMs === 'number' ? periodMs : periodMs())
  const round = async (): Promise<void> => {
    try {
      await task()
    } catch (error) {
      onError(error)
    }
    if (!stopped) cancel = clock.after(period(), () => void round())
  }
  cancel = clock.after(period(), () => void round())
  return () => {
    stopped = true
    cancel()
  }
}

/** Calls back when this turn of the event loop is done: what it set in motion goes first. */
export function afterThisTurn(callback: () => void): void {
  setImmediate(callback)
}

/** Resolves when everything else that is due has had its turn: long work calls it in between. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Resolves after `delayMs` of the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve))
}
