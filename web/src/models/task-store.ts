// The tasks that this page knows: one signal a task, so that a change paints one row. Bounded; ended tasks that are
// oldest leave first, since the node can always be asked again.
import { type ReadonlySignal, type Signal, computed, signal } from '@preact/signals'
import type { TaskView } from '../../../protocols/http/views.ts'
import { hasEnded } from './task-facts.ts'

/** About five pages: what one person scrolls through before filtering. */
export const TASKS_MAX = 1_000

export type TaskStore = {
  /** Newest first. */
  all: ReadonlySignal<readonly TaskView[]>
  /** What a fetched page says: where the task is known to be further on, it changes nothing. */
  put(task: TaskView): void
  /** What the event stream or the answer to an action says: it stands. Answers what was known before. */
  replace(task: TaskView): TaskView | undefined
  get(id: string): ReadonlySignal<TaskView> | undefined
}

export function createTaskStore(): TaskStore {
  const byId = new Map<string, Signal<TaskView>>()
  const members = signal(0)
  const all = computed(() => {
    void members.value
    return [...byId.values()].map((task) => task.value).sort(newestFirst)
  })

  function put(task: TaskView): void {
    const known = byId.get(task.id)?.peek()
    if (known === undefined || !isFurther(known, task)) replace(task)
  }

  function replace(task: TaskView): TaskView | undefined {
    const known = byId.get(task.id)
    if (known === undefined) {
      byId.set(task.id, signal(task))
      if (byId.size > TASKS_MAX) evict()
      members.value += 1
      return undefined
    }
    const before = known.peek()
    known.value = task
    return before
  }

  /** A tenth at once, so that a stream of new tasks does not sort the store for each. */
  function evict(): void {
    const ended = [...byId.values()].map((task) => task.peek()).sort((one, two) => endedFirst(one, two) || newestFirst(two, one))
    for (const task of ended.slice(0, TASKS_MAX / 10)) byId.delete(task.id)
  }

  return { all, put, replace, get: (id) => byId.get(id) }
}

/** The clocks of two workers may disagree, so an end or an attempt counts for more than a time. */
function isFurther(known: TaskView, task: TaskView): boolean {
  if (known.attempts.length !== task.attempts.length) return known.attempts.length > task.attempts.length
  if (hasEnded(known.state) !== hasEnded(task.state)) return hasEnded(known.state)
  return known.updatedAt > task.updatedAt
}

function newestFirst(one: TaskView, two: TaskView): number {
  return two.createdAt - one.createdAt || (one.id < two.id ? 1 : -1)
}

function endedFirst(one: TaskView, two: TaskView): number {
  return Number(hasEnded(two.state)) - Number(hasEnded(one.state))
}
