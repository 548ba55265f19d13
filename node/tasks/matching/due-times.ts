// Tasks that something happens to at a known time: delays, time-outs, turns. One heap, so that a hundred thousand delays need one
// timer. A task that is put again counts with its earliest time; who takes it out decides anew what to do.
import type { TaskId } from '../../../protocols/ids.ts'

export type DueTimes = {
  put(task: TaskId, atMs: number): void
  /** Takes out one task whose time has come. */
  take(nowMs: number): TaskId | undefined
  nextMs(): number | undefined
}

type Item = { task: TaskId; atMs: number }

export function createDueTimes(): DueTimes {
  const heap: Item[] = []
  const times = new Map<TaskId, number>()

  const swap = (a: number, b: number): void => {
    const item = heap[a] as Item
    heap[a] = heap[b] as Item
    heap[b] = item
  }
  const isBefore = (a: number, b: number): boolean => (heap[a] as Item).atMs < (heap[b] as Item).atMs
  const push = (item: Item): void => {
    heap.push(item)
    for (let at = heap.length - 1, parent = (at - 1) >> 1; at > 0 && isBefore(at, parent); at = parent, parent = (at - 1) >> 1)
      swap(at, parent)
  }
  const pop = (): Item | undefined => {
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    heap[0] = last
    for (let at = 0; ; ) {
      const left = at * 2 + 1
      const least = [left, left + 1].reduce((best, child) => (child < heap.length && isBefore(child, best) ? child : best), at)
      if (least === at) return first
      swap(at, least)
      at = least
    }
  }
  return {
    put(task, atMs) {
      const known = times.get(task)
      if (known !== undefined && known <= atMs) return
      times.set(task, atMs)
      push({ task, atMs })
    },
    take(nowMs) {
      for (let first = heap[0]; first !== undefined && first.atMs <= nowMs; first = heap[0]) {
        pop()
        // One that was put again with an earlier time has been taken out with that.
        if (times.get(first.task) !== first.atMs) continue
        times.delete(first.task)
        return first.task
      }
      return undefined
    },
    nextMs: () => heap[0]?.atMs,
  }
}
