// Builds by one filter that the node applies: its newest ones, older pages on request, fetched again after a change.
import { type ReadonlySignal, type Signal, batch, signal } from '@preact/signals'
import type { BuildView } from '../../../../protocols/builds/build-views.ts'
import type { Page, TaskStateName } from '../../../../protocols/http/views.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import type { BuildQuery } from '../../transport/work/code-calls.ts'

const PAGE_BUILDS = 100
/** More than this is found by a filter, not by scrolling. */
const BUILDS_MAX = 2_000
/** Changes in a burst ask once. */
const AGAIN_AFTER_MS = 300

export type BuildFilter = { state: TaskStateName | undefined; text: string }
export type BuildList = {
  filter: Signal<BuildFilter>
  /** Undefined until the first answer. */
  items: ReadonlySignal<readonly BuildView[] | undefined>
  error: ReadonlySignal<ApiError | undefined>
  hasMore: ReadonlySignal<boolean>
  /** Grows with each change that the mesh tells: who shows one build looks again. */
  changes: ReadonlySignal<number>
  load(): Promise<void>
  loadMore(): Promise<void>
  changed(): void
  stop(): void
}

export function createBuildList(fetchPage: (query: BuildQuery) => Promise<Page<BuildView>>): BuildList {
  const filter = signal<BuildFilter>({ state: undefined, text: '' })
  const items = signal<readonly BuildView[] | undefined>(undefined)
  const error = signal<ApiError | undefined>(undefined)
  const hasMore = signal(false)
  const changes = signal(0)
  let timer: ReturnType<typeof setTimeout> | undefined
  let next: string | undefined
  let asked = 0

  async function ask(cursor: string | undefined): Promise<void> {
    asked += 1
    const mine = asked
    const { state, text } = filter.peek()
    try {
      const page = await fetchPage({ limit: PAGE_BUILDS, ...(text && { q: text }), ...(state && { state }), ...(cursor && { cursor }) })
      // A newer question was asked meanwhile: this answer is not for what is on the screen.
      if (mine !== asked) return
      batch(() => {
        items.value = cursor === undefined ? page.items : [...(items.peek() ?? []), ...page.items].slice(0, BUILDS_MAX)
        next = page.next
        hasMore.value = next !== undefined && (items.peek()?.length ?? 0) < BUILDS_MAX
        error.value = undefined
      })
    } catch (thrown) {
      if (mine === asked) error.value = asApiError(thrown)
    }
  }

  return {
    filter,
    items,
    error,
    hasMore,
    changes,
    load: () => ask(undefined),
    loadMore: () => ask(next),
    changed() {
      timer ??= setTimeout(() => {
        timer = undefined
        changes.value += 1
        // Where nobody has looked at the list it need not be fetched.
        if (asked > 0) void ask(undefined)
      }, AGAIN_AFTER_MS)
    },
    stop: () => clearTimeout(timer),
  }
}
