// The tasks page: one filter, pages from the node, live changes from the store. Rows older than the last page fetched are
// held back, because between them tasks may be missing.
import { type ReadonlySignal, type Signal, batch, computed, signal } from '@preact/signals'
import type { Page, TaskStateName, TaskView } from '../../../protocols/http/views.ts'
import { type Filter, parseFilter } from '../../../protocols/filters/filter.ts'
import { TASK_KEYS, taskFacts } from '../../../protocols/filters/task-filter.ts'
import { type ApiError, asApiError } from '../transport/api-error.ts'
import type { TaskQuery } from '../transport/transport.ts'
import type { TaskStore } from './task-store.ts'

const PAGE_TASKS = 200

export type TaskFilter = { state: TaskStateName | undefined; text: string }
export type TaskList = {
  filter: Signal<TaskFilter>
  rows: ReadonlySignal<readonly TaskView[]>
  loading: ReadonlySignal<boolean>
  error: ReadonlySignal<ApiError | undefined>
  hasMore: ReadonlySignal<boolean>
  load(): Promise<void>
  loadMore(): Promise<void>
}

export function createTaskList(store: TaskStore, transport: { tasks(query: TaskQuery): Promise<Page<TaskView>> }): TaskList {
  const filter = signal<TaskFilter>({ state: undefined, text: '' })
  const loading = signal(false)
  const error = signal<ApiError | undefined>(undefined)
  const next = signal<string | undefined>(undefined)
  const floor = signal(0)
  const hits = signal<ReadonlySet<string>>(new Set())
  let asked = 0

  const rows = computed(() => {
    const matches = matching(filter.value, hits.value)
    return store.all.value.filter((task) => task.createdAt >= floor.value && matches(task))
  })

  async function fetchPage(cursor: string | undefined): Promise<void> {
    asked += 1
    const mine = asked
    const { state, text } = filter.peek()
    loading.value = true
    try {
      const page = await transport.tasks({
        limit: PAGE_TASKS,
        ...(state && { state }),
        ...(text && { q: text }),
        ...(cursor && { cursor }),
      })
      // A newer question was asked meanwhile: this answer is not for what is on the screen.
      if (mine !== asked) return
      batch(() => {
        for (const task of page.items) store.put(task)
        hits.value = new Set([...(cursor === undefined ? [] : hits.peek()), ...page.items.map((task) => task.id)])
        next.value = page.next
        floor.value = page.next === undefined ? 0 : (page.items.at(-1)?.createdAt ?? 0)
        error.value = undefined
      })
    } catch (thrown) {
      if (mine === asked) error.value = asApiError(thrown)
    } finally {
      if (mine === asked) loading.value = false
    }
  }

  return {
    filter,
    rows,
    loading,
    error,
    hasMore: computed(() => next.value !== undefined),
    load: () => fetchPage(undefined),
    loadMore: () => fetchPage(next.peek()),
  }
}

/** The same filter as the node's, so that live changes and fetched pages agree; what cannot be read is said by the node. */
function matching({ state, text }: TaskFilter, hits: ReadonlySet<string>): (task: TaskView) => boolean {
  const now = Date.now()
  let filter: Filter | undefined
  try {
    filter = parseFilter(text, TASK_KEYS)
  } catch {
    // Half typed, or wrong: the node's answer names the place.
  }
  return (task) => {
    if (state !== undefined && task.state !== state) return false
    if (filter === undefined) return hits.has(task.id)
    return filter.size === 0 || filter.matches(taskFacts({ ...task, exitCode: task.result?.exitCode }, now))
  }
}
