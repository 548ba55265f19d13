// The lengths on which promise P3 rests, in one place.
import type { Term } from '../../../protocols/ids.ts'
import { longTermMs } from '../../../protocols/ids.ts'

/** A holder's lease, counted from before it sent the renewal. */
export const LEASE_MS = 2_000
/** How often a node with work renews. */
export const RENEW_MS = 500
/** A seat waits this long after its own last accept: the lease and 10 % for clocks that differ in rate. */
export const EXPIRY_MS = LEASE_MS * 1.1
/** How long one question to the seats may take before it is asked again. */
export const ASK_MS = 400

/** A longer lease than this would outlive what anybody can wait for. */
const LONG_TERM_MAX_MS = 30 * 24 * 3_600_000

/** The length of the lease under which a task is held; `--lost-after` stretches it. */
export function leaseLengthMs(spec: { lostAfterMs?: number | undefined } | undefined): number {
  return Math.min(LONG_TERM_MAX_MS, Math.max(LEASE_MS, Math.round(spec?.lostAfterMs ?? 0)))
}

/** How long a seat waits for a term before it may end it. */
export function expiryMs(term: Term): number {
  return Math.min(LONG_TERM_MAX_MS, Math.max(LEASE_MS, longTermMs(term) ?? 0)) * 1.1
}
