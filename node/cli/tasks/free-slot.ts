// Inside a task: while it waits for a task that it published, its worker's slot is free for others, perhaps for that very task.
import { createHoldingClock, sleep } from '../../kernel/clock.ts'
import type { Client } from '../client.ts'
import type { Cli } from '../context.ts'

const AGAIN_MS = 500

/** Tells the node for as long as it takes; what comes back ends it. Outside of a task it does nothing. */
export function freeSlotWhileWaiting(cli: Cli, client: Client, id: string): () => void {
  const { env } = cli.io
  if (env['NIMBUS_TASK'] === undefined || cli.globals.url !== undefined || cli.globals.token !== undefined) return () => {}
  const over = new AbortController()
  const clock = createHoldingClock()
  const hold = async (): Promise<void> => {
    while (!over.signal.aborted) {
      try {
        await client.hold(`/api/tasks/${encodeURIComponent(id)}/wait`, over.signal)
        return
      } catch {
        // The node restarts, or refuses: whoever waits hears of that by other ways; the slot is only a courtesy.
      }
      if (!over.signal.aborted) await sleep(clock, AGAIN_MS)
    }
  }
  void hold()
  return () => over.abort()
}
