// Copies of the logs of settled tasks, at the keepers and at the author: the machine that ran a task may be gone for good.
// Fetches a few at a time, in the background, and never holds anything up.
import type { PeerId } from '../../../protocols/ids.ts'
import type { TaskState } from '../fold/fold.ts'
import type { RunLogs } from './run-logs.ts'

/** Larger logs stay where they were written. */
const KEEP_BYTES_MAX = 4 * 1024 * 1024
const QUEUE_MAX = 5_000
const AT_ONCE = 2

export function createLogKeeper(components: {
  self: PeerId
  logs: Pick<RunLogs, 'keep'>
  isSeat(): boolean
  onError(error: unknown): void
}): { note(state: TaskState): void; stop(): void } {
  const queue: { hash: string; holder: PeerId | undefined }[] = []
  const abort = new AbortController()
  let active = 0

  const pump = async (): Promise<void> => {
    if (active >= AT_ONCE) return
    active += 1
    for (let next = queue.shift(); next !== undefined && !abort.signal.aborted; next = queue.shift()) {
      await components.logs.keep(next.hash, next.holder, abort.signal).catch(components.onError)
    }
    active -= 1
  }
  return {
    note(state) {
      const { outcome, holder, state: name } = state.value
      const last = [...state.attempts.values()].findLast((attempt) => attempt.outcome?.log !== undefined)
      const log = outcome?.log ?? last?.outcome?.log
      if (name !== 'settled' || log === undefined || log.size > KEEP_BYTES_MAX) return
      if (!components.isSeat() && state.task?.author !== components.self) return
      // At the limit the oldest wish goes: its log is still where it was written.
      if (queue.length >= QUEUE_MAX) queue.shift()
      queue.push({ hash: log.hash, holder: last?.holder ?? holder })
      void pump()
    },
    stop: () => abort.abort(),
  }
}
