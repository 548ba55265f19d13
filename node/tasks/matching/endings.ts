// Open tasks that are to end without a run: cancelled, never to be reached, or too long in the queue. One node does it at
// once, the others later in case it is gone; a bounded number at a time.
import type { TaskId } from '../../../protocols/ids.ts'
import { createDueTimes } from './due-times.ts'

export type EndReason = 'cancel' | 'after' | 'queue'

export type Endings = {
  /** @param atMs this node's turn, by its own clock */
  put(task: TaskId, reason: EndReason, atMs: number): void
  drop(task: TaskId): void
  /** An end got no answer: it is tried again at `atMs`. */
  again(task: TaskId, atMs: number): void
  /** Starts those whose turn has come. @returns when to look next */
  run(nowMs: number, isBusyWith: (task: TaskId) => boolean): number | undefined
  has(task: TaskId): boolean
  size(): number
}

/** Register changes that end tasks, at once; a graph of thousands that fails goes through in waves. */
const IN_FLIGHT_MAX = 512
const BUSY_AGAIN_MS = 50

export function createEndings(end: (task: TaskId, reason: EndReason) => void): Endings {
  const reasons = new Map<TaskId, EndReason>()
  const turns = createDueTimes()
  const running = new Set<TaskId>()
  return {
    put(task, reason, atMs) {
      const known = reasons.get(task)
      if (known === reason) return
      reasons.set(task, reason)
      turns.put(task, atMs)
    },
    drop(task) {
      reasons.delete(task)
      running.delete(task)
    },
    again(task, atMs) {
      running.delete(task)
      if (reasons.has(task)) turns.put(task, atMs)
    },
    run(nowMs, isBusyWith) {
      const busy: TaskId[] = []
      while (running.size < IN_FLIGHT_MAX) {
        const task = turns.take(nowMs)
        if (task === undefined) break
        const reason = reasons.get(task)
        if (reason === undefined || running.has(task)) continue
        if (isBusyWith(task)) busy.push(task)
        else {
          running.add(task)
          end(task, reason)
        }
      }
      for (const task of busy) turns.put(task, nowMs + BUSY_AGAIN_MS)
      return running.size < IN_FLIGHT_MAX ? turns.nextMs() : undefined
    },
    has: (task) => reasons.has(task),
    size: () => reasons.size,
  }
}
