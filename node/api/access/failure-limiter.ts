// Counts wrong tokens, links and tickets of one address, so that guessing costs time. A right token is never refused: it is too long to
// guess, and on loopback all callers share one address.
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'

const WINDOW_MS = 10_000
const FAILURES_MAX = 200
/** Addresses remembered; beyond it all are forgotten, which costs an attacker nothing he could not have had. */
const ADDRESSES_MAX = 1024

/** @returns `note`, which throws `rate-limited` from the 201st failure within ten seconds on */
export function createFailureLimiter(clock: Pick<Clock, 'nowMs'>): { note(address: string): void } {
  const windows = new Map<string, { since: number; count: number }>()
  return {
    note(address) {
      const now = clock.nowMs()
      let window = windows.get(address)
      if (window === undefined || now - window.since > WINDOW_MS) {
        if (windows.size >= ADDRESSES_MAX) windows.clear()
        window = { since: now, count: 0 }
        windows.set(address, window)
      }
      window.count++
      if (window.count > FAILURES_MAX)
        throw new NimbusError('rate-limited', `More than ${FAILURES_MAX} sign-ins failed within ${WINDOW_MS / 1000} seconds.`, {
          kind: 'busy',
          cure: 'Wait a few seconds, then try with the right token.',
        })
    },
  }
}
