// Two small views of the fold that lists and waiters need: task IDs by age, and who waits for the next change of a task.
import type { TaskId } from '../../../protocols/ids.ts'
import { isOnceId, timeText } from '../../../protocols/ids.ts'
import type { TaskState } from './fold.ts'

export type TaskIndex = {
  touch(state: TaskState): void
  newest(before?: string): Iterable<TaskId>
  changed(task: TaskId, signal: AbortSignal): Promise<void>
}

const ID_CHARACTERS = 26

export function createTaskIndex(): TaskIndex {
  /** Sorted oldest first: IDs that begin with their time as they are, the others behind the time of their record. */
  const keys: string[] = []
  const seen = new Set<TaskId>()
  const keyOfOnce = new Map<string, string>()
  const waiters = new Map<TaskId, Set<() => void>>()

  const insert = (key: string): void => {
    // New tasks nearly always belong at the end.
    if (keys.length === 0 || (keys.at(-1) as string) < key) keys.push(key)
    else keys.splice(lowerBound(keys, key), 0, key)
  }
  const place = ({ id, task }: TaskState): void => {
    if (task === undefined) return
    if (!isOnceId(id)) {
      if (!seen.has(id)) insert(id)
      seen.add(id)
      return
    }
    const key = timeText(task.createdAt) + id
    const before = keyOfOnce.get(id)
    if (before === key) return
    if (before !== undefined) keys.splice(lowerBound(keys, before), 1)
    keyOfOnce.set(id, key)
    insert(key)
  }
  return {
    touch(state) {
      place(state)
      for (const wake of waiters.get(state.id) ?? []) wake()
    },
    *newest(before) {
      const from = before === undefined ? undefined : (keyOfOnce.get(before) ?? before)
      for (let at = from === undefined ? keys.length : lowerBound(keys, from); at > 0; at--)
        yield (keys[at - 1] as string).slice(-ID_CHARACTERS) as TaskId
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

/** The first place whose key is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}
