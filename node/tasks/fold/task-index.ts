// Two small views of the fold that lists and waiters need: task IDs by age, and who waits for the next change of a task.
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskState } from './fold.ts'

export type TaskIndex = {
  touch(state: TaskState): void
  newest(before?: string): Iterable<TaskId>
  changed(task: TaskId, signal: AbortSignal): Promise<void>
}

export function createTaskIndex(): TaskIndex {
  /** Sorted oldest first once somebody asks; new tasks nearly always belong at the end. */
  const ids: TaskId[] = []
  const seen = new Set<TaskId>()
  const waiters = new Map<TaskId, Set<() => void>>()

  const insert = (id: TaskId): void => {
    let at = ids.length
    while (at > 0 && (ids[at - 1] as TaskId) > id) at -= 1
    ids.splice(at, 0, id)
  }
  return {
    touch(state) {
      if (state.task !== undefined && !seen.has(state.id)) {
        seen.add(state.id)
        insert(state.id)
      }
      for (const wake of waiters.get(state.id) ?? []) wake()
    },
    *newest(before) {
      for (let at = before === undefined ? ids.length : lowerBound(ids, before); at > 0; at--) yield ids[at - 1] as TaskId
    },
    changed: (task, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        const set = waiters.get(task) ?? new Set()
        waiters.set(task, set)
        const wake = (): void => {
          signal.removeEventListener('abort', wake)
          set.delete(wake)
          if (set.size === 0) waiters.delete(task)
          resolve()
        }
        set.add(wake)
        signal.addEventListener('abort', wake)
      }),
  }
}

/** The first place whose ID is not below `id`. */
function lowerBound(ids: readonly string[], id: string): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ids[middle] ?? '') < id) low = middle + 1
    else high = middle
  }
  return low
}
