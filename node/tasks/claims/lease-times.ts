// The lengths on which promise P3 rests, in one place.

/** A holder's lease, counted from before it sent the renewal. */
export const LEASE_MS = 2_000
/** How often a node with work renews. */
export const RENEW_MS = 500
/** A seat waits this long after its own last accept: the lease and 10 % for clocks that differ in rate. */
export const EXPIRY_MS = LEASE_MS * 1.1
/** How long one question to the seats may take before it is asked again. */
export const ASK_MS = 400
