// Which open tasks wait for which others, kept ready beside the fold: nothing here walks over all tasks, and nothing of it is
// in the fold's hash, because it follows from it. A task is blocked until all it waits for has ended well (or at all).
import type { TaskId } from '../../../protocols/ids.ts'
import type { Fold, TaskBody, TaskState } from './fold.ts'

export type Graph = {
  /** Takes in a changed state. @returns the tasks that waited for it and changed with it: ready, or never to be. */
  note(state: TaskState): TaskId[]
  /** Open, and something it waits for has not ended yet, or has ended badly. */
  isBlocked(task: TaskId): boolean
  /** The task it waited for that ended badly: it can never run. */
  brokenBy(task: TaskId): TaskId | undefined
  /** What it still waits for. */
  waitsFor(task: TaskId): readonly TaskId[]
  /** Open tasks that wait for this one. */
  dependents(task: TaskId): readonly TaskId[]
  /** The newest task that was published to run this one again. */
  retriedAs(task: TaskId): TaskId | undefined
}

type Waiting = { body: TaskBody; unmet: Set<TaskId>; brokenBy?: TaskId }

export function createGraph(fold: Pick<Fold, 'task'>): Graph {
  const waiting = new Map<TaskId, Waiting>()
  const dependents = new Map<TaskId, Set<TaskId>>()
  const retries = new Map<TaskId, TaskId>()

  const forget = (task: TaskId): void => {
    for (const need of waiting.get(task)?.unmet ?? []) {
      const others = dependents.get(need)
      others?.delete(task)
      if (others?.size === 0) dependents.delete(need)
    }
    waiting.delete(task)
  }
  const wait = (id: TaskId, body: TaskBody): void => {
    forget(id)
    const entry: Waiting = { body, unmet: new Set() }
    for (const need of body.spec.after ?? []) {
      const verdict = verdictOn(fold.task(need), body)
      if (verdict === 'met') continue
      entry.unmet.add(need)
      if (verdict === 'broken') entry.brokenBy ??= need
      const others = dependents.get(need) ?? new Set()
      dependents.set(need, others.add(id))
    }
    if (entry.unmet.size > 0) waiting.set(id, entry)
  }
  const settled = (state: TaskState): TaskId[] => {
    const changed: TaskId[] = []
    for (const id of dependents.get(state.id) ?? []) {
      const entry = waiting.get(id)
      if (entry === undefined) continue
      if (verdictOn(state, entry.body) === 'broken') entry.brokenBy ??= state.id
      else entry.unmet.delete(state.id)
      if (entry.unmet.size === 0) waiting.delete(id)
      if (entry.unmet.size === 0 || entry.brokenBy === state.id) changed.push(id)
    }
    dependents.delete(state.id)
    return changed
  }

  return {
    note(state) {
      const { id, task, value } = state
      if (task?.spec.retryOf !== undefined && (retries.get(task.spec.retryOf) ?? '') < id) retries.set(task.spec.retryOf, id)
      if (value.state === 'settled') {
        forget(id)
        return settled(state)
      }
      // Of a task that several members published another record may come to count.
      if (task !== undefined && waiting.get(id)?.body !== task && (task.spec.after !== undefined || waiting.has(id))) wait(id, task)
      return []
    },
    isBlocked: (task) => waiting.has(task),
    brokenBy: (task) => waiting.get(task)?.brokenBy,
    waitsFor: (task) => [...(waiting.get(task)?.unmet ?? [])],
    dependents: (task) => [...(dependents.get(task) ?? [])],
    retriedAs: (task) => retries.get(task),
  }
}

/** What one needed task means for a task that waits for it; one that has not arrived here is open. */
function verdictOn(need: TaskState | undefined, body: TaskBody): 'open' | 'met' | 'broken' {
  if (need?.value.state !== 'settled') return 'open'
  return body.spec.afterAny === true || need.value.end === 'succeeded' ? 'met' : 'broken'
}
