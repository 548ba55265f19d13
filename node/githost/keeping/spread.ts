// Before a branch moves, another worker that keeps the repository is to have its commits: then the loss of one machine loses nothing
// that a push was told is safe.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'

export type SpreadComponents = {
  clock: Pick<Clock, 'after'>
  log: Log
  nameOf(peer: PeerId): string
  /** Asks another worker that keeps the repository to fetch these commits from here. */
  askToTake(peer: PeerId, repo: string, commits: readonly string[]): Promise<void>
}

/** How long a push waits for a second worker to have its objects. */
const SPREAD_MS = 60_000

/** Asks all of them and goes on when the first has the commits. Answers the names of those that have. */
export async function spread(
  components: SpreadComponents,
  others: readonly PeerId[],
  repo: string,
  commits: readonly string[],
): Promise<string[]> {
  const { clock, log } = components
  const done: string[] = []
  const asked = others.map(async (peer) => {
    await components.askToTake(peer, repo, commits)
    done.push(components.nameOf(peer))
  })
  const patience = new Promise<void>((resolve) => clock.after(SPREAD_MS, resolve))
  await Promise.race([Promise.any(asked), patience]).catch((error: unknown) =>
    log.warn({ repo, reason: String((error as AggregateError).errors?.[0] ?? error) }, 'no other worker could take the commits of a push'),
  )
  return [...done]
}
