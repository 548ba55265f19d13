// The tasks page: one filter, pages from the node, live changes from the store. Rows older than the last page fetched are
// held back, because between them tasks may be missing.
import { type ReadonlySignal, type Signal, batch, computed, signal } from '@preact/signals'
import type { Page, TaskStateName, TaskView } from '../../../protocols/http/views.ts'
import { type ApiError, asApiError } from '../transport/api-error.ts'
import type { TaskQuery } from '../transport/transport.ts'
import { commandOf, titleOf } from './task-facts.ts'
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

  const rows = computed(() => store.all.value.filter((task) => task.createdAt >= floor.value && matches(task, filter.value, hits.value)))

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

function matches(task: TaskView, filter: TaskFilter, hits: ReadonlySet<string>): boolean {
  if (filter.state !== undefined && task.state !== filter.state) return false
  if (filter.text === '' || hits.has(task.id)) return true
  const wanted = filter.text.toLowerCase()
  // The same texts that the node looks into, so that live changes and fetched pages agree.
  return [task.id, titleOf(task), commandOf(task)].some((text) => text.toLowerCase().includes(wanted))
}
