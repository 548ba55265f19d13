// Where a build that runs as a task gets its cache from: the node that started it.
import { createHoldingClock } from '../../../kernel/clock.ts'
import type { CachePort } from '../../../builds/caches/cache-of-build.ts'
import { createClient } from '../../client.ts'
import type { Cli } from '../../context.ts'

/** A registry is hardly slower than that. */
const FETCH_MS_MAX = 120_000

/** @param file where a new one is left for the node */
export function cachePortOf(cli: Cli, file: string): CachePort {
  return {
    file,
    async *open(key) {
      const stop = new AbortController()
      const cancel = createHoldingClock().after(FETCH_MS_MAX, () => stop.abort())
      try {
        yield* (await createClient(cli)).bytes(`/api/builds/caches/${key}`, stop.signal)
      } finally {
        cancel()
      }
    },
  }
}
