// Short messages about what a person just did. Errors stay until dismissed; the rest leaves by itself.
import { type ReadonlySignal, signal } from '@preact/signals'
import { asApiError } from '../../transport/api-error.ts'

/** More than this cover the page; the oldest goes first. */
const NOTICES_MAX = 4
const SHOWN_MS = 6_000

export type Notice = { id: number; tone: 'done' | 'error'; text: string; detail?: string | undefined; href?: string | undefined }
export type Notices = {
  list: ReadonlySignal<readonly Notice[]>
  done(text: string, href?: string): void
  failed(what: string, thrown: unknown): void
  dismiss(id: number): void
}

export function createNotices(): Notices {
  const list = signal<readonly Notice[]>([])
  let lastId = 0
  const dismiss = (id: number) => {
    list.value = list.value.filter((notice) => notice.id !== id)
  }
  const add = (notice: Omit<Notice, 'id'>): number => {
    lastId += 1
    list.value = [...list.value, { ...notice, id: lastId }].slice(-NOTICES_MAX)
    return lastId
  }
  return {
    list,
    dismiss,
    done(text, href) {
      const id = add({ tone: 'done', text, href })
      setTimeout(() => dismiss(id), SHOWN_MS)
    },
    failed(what, thrown) {
      const error = asApiError(thrown)
      add({ tone: 'error', text: `${what}: ${error.message}`, detail: error.cure })
    },
  }
}
