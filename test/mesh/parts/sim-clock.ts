// The simulator's clock: one heap of timers, virtual time, microtasks drained between two events.
import type { Cancel, Clock } from '../../../node/kernel/clock.ts'

type Timer = { atMs: number; order: number; run: () => void; cancelled: boolean }

export type SimClock = Clock & {
  /** Runs events until virtual time `untilMs`, or until `done` says so after an event. */
  run(untilMs: number, done?: () => boolean): Promise<void>
  events(): number
}

const START_WALL_MS = Date.UTC(2026, 0, 1)

export function createSimClock(startWallMs = START_WALL_MS): SimClock {
  const heap: Timer[] = []
  let nowMs = 0
  let order = 0
  let events = 0

  const less = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  const push = (timer: Timer): void => {
    heap.push(timer)
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!less(heap[i] as Timer, heap[parent] as Timer)) break
      ;[heap[i], heap[parent]] = [heap[parent] as Timer, heap[i] as Timer]
      i = parent
    }
  }
  const pop = (): Timer | undefined => {
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    heap[0] = last
    for (let i = 0; ; ) {
      const left = 2 * i + 1
      if (left >= heap.length) break
      const child = left + 1 < heap.length && less(heap[left + 1] as Timer, heap[left] as Timer) ? left + 1 : left
      if (!less(heap[child] as Timer, heap[i] as Timer)) break
      ;[heap[i], heap[child]] = [heap[child] as Timer, heap[i] as Timer]
      i = child
    }
    return top
  }

  return {
    wallMs: () => startWallMs + Math.floor(nowMs),
    nowMs: () => nowMs,
    after(delayMs, run): Cancel {
      const timer: Timer = { atMs: nowMs + Math.max(0, delayMs), order: order++, run, cancelled: false }
      push(timer)
      return () => {
        timer.cancelled = true
      }
    },
    async run(untilMs, done) {
      while (heap[0] !== undefined && heap[0].atMs <= untilMs) {
        const timer = pop()
        if (timer === undefined || timer.cancelled) continue
        nowMs = Math.max(nowMs, timer.atMs)
        events += 1
        timer.run()
        // One turn of the event loop lets every promise that the event settled run to its end.
        await new Promise(setImmediate)
        if (done?.() === true) return
      }
      nowMs = Math.max(nowMs, untilMs)
    },
    events: () => events,
  }
}
