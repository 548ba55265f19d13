// A clock that moves only when a test says so. Timers fire in the order of their times, then of their making.
import type { Clock } from '../../node/kernel/clock.ts'

export type VirtualClock = Clock & {
  /** Moves time on and fires what becomes due on the way, also timers that were set meanwhile. */
  advance(ms: number): void
}

export function createVirtualClock(startWallMs = 1_700_000_000_000): VirtualClock {
  const timers = new Map<number, { atMs: number; callback: () => void }>()
  let nowMs = 0
  let made = 0
  const nextDue = (untilMs: number): [number, { atMs: number; callback: () => void }] | undefined =>
    [...timers].filter(([, timer]) => timer.atMs <= untilMs).sort(([a, one], [b, other]) => one.atMs - other.atMs || a - b)[0]
  return {
    wallMs: () => startWallMs + Math.floor(nowMs),
    nowMs: () => nowMs,
    after(delayMs, callback) {
      const id = made++
      timers.set(id, { atMs: nowMs + Math.max(0, delayMs), callback })
      return () => void timers.delete(id)
    },
    advance(ms) {
      const untilMs = nowMs + ms
      for (let due = nextDue(untilMs); due !== undefined; due = nextDue(untilMs)) {
        const [id, timer] = due
        timers.delete(id)
        nowMs = Math.max(nowMs, timer.atMs)
        timer.callback()
      }
      nowMs = untilMs
    },
  }
}
