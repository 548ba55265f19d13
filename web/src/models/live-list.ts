// A list that is fetched as a whole and again after a change: for things of which there are few.
import { type ReadonlySignal, signal } from '@preact/signals'
import { type ApiError, asApiError } from '../transport/api-error.ts'

/** Changes in a burst ask once. */
const AGAIN_AFTER_MS = 300

export type LiveList<Item> = {
  /** Undefined until the first answer. */
  items: ReadonlySignal<readonly Item[] | undefined>
  error: ReadonlySignal<ApiError | undefined>
  load(): Promise<void>
  /** Something changed: fetched again soon, where anybody has looked at it. */
  changed(): void
  stop(): void
}

export function createLiveList<Item>(fetchItems: () => Promise<readonly Item[]>): LiveList<Item> {
  const items = signal<readonly Item[] | undefined>(undefined)
  const error = signal<ApiError | undefined>(undefined)
  let timer: ReturnType<typeof setTimeout> | undefined
  let asked = false

  async function load(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    asked = true
    try {
      items.value = await fetchItems()
      error.value = undefined
    } catch (thrown) {
      error.value = asApiError(thrown)
    }
  }
  return {
    items,
    error,
    load,
    changed() {
      // Also while the first answer is on its way: it may be older than this change.
      if (asked) timer ??= setTimeout(() => void load(), AGAIN_AFTER_MS)
    },
    stop: () => clearTimeout(timer),
  }
}
