// Copies of what a task is given and leaves, at the keepers and at the author: its folder and stdin from the moment it is
// published, its log and artifacts once it is settled. The machine that has them may be gone for good. Fetches a few at a time, in
// the background, and never holds anything up.
import type { PeerId } from '../../../protocols/ids.ts'
import type { TaskState } from '../fold/fold.ts'
import type { BlobFetch } from './blob-fetch.ts'

/** Larger logs and files stay where they were written; what a task is given is kept whole. */
const KEEP_BYTES_MAX = 64 * 1024 * 1024
const QUEUE_MAX = 5_000
const AT_ONCE = 2
/** What was taken care of a moment ago is not looked at again at each change of its task. */
const REMEMBERED_MAX = 5_000

export function createBlobKeeper(components: {
  self: PeerId
  fetch: Pick<BlobFetch, 'keep'>
  isSeat(): boolean
  /** Its files are not kept any more. */
  isOver(state: TaskState): boolean
  onError(error: unknown): void
}): { note(state: TaskState): void; forget(hash: string): void; stop(): void } {
  const queue: { hash: string; first: PeerId | undefined }[] = []
  const seen = new Set<string>()
  const abort = new AbortController()
  let active = 0

  const pump = async (): Promise<void> => {
    if (active >= AT_ONCE) return
    active += 1
    for (let next = queue.shift(); next !== undefined && !abort.signal.aborted; next = queue.shift()) {
      const { hash } = next
      await components.fetch.keep(hash, next.first, abort.signal).then(
        (kept) => (kept ? undefined : seen.delete(hash)),
        (error: unknown) => (seen.delete(hash), components.onError(error)),
      )
    }
    active -= 1
  }
  const want = (hash: string, first: PeerId | undefined): void => {
    if (seen.has(hash)) return
    if (seen.size >= REMEMBERED_MAX) seen.clear()
    seen.add(hash)
    // At the limit the oldest wish goes: its blob is still where it was written.
    if (queue.length >= QUEUE_MAX) seen.delete(queue.shift()?.hash ?? '')
    queue.push({ hash, first })
    void pump()
  }
  return {
    note(state) {
      const author = state.task?.author
      if (!components.isSeat() && author !== components.self) return
      if (state.value.state !== 'settled') {
        for (const blob of [state.task?.spec.dir, state.task?.spec.stdin]) if (blob !== undefined) want(blob.hash, author)
        return
      }
      if (components.isOver(state)) return
      const last = [...state.attempts.values()].findLast((attempt) => attempt.outcome !== undefined && attempt.outcome.result !== 'lost')
      const outcome = state.value.outcome ?? last?.outcome
      const left = [...(outcome?.log === undefined ? [] : [outcome.log]), ...(outcome?.artifacts ?? [])]
      for (const { hash, size } of left) if (size <= KEEP_BYTES_MAX) want(hash, last?.holder ?? state.value.holder)
    },
    /** It was removed: whoever names it again brings it again. */
    forget: (hash) => void seen.delete(hash),
    stop: () => abort.abort(),
  }
}
