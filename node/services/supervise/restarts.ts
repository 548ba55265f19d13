// When a process that ended is started again. Pure.

/** The pause after the first end, doubled with each further one. */
const BACKOFF_FIRST_MS = 250
const BACKOFF_MAX_MS = 60_000
/** Who stayed this long is no part of a loop. */
const STABLE_MS = 60_000
/** Ends in a row after which it is called a crash loop. */
const LOOP_ENDS = 5

export type Restarts = {
  /** In a row, without a stable life in between. */
  ends: number
  /** In all. */
  total: number
}

export const NO_RESTARTS: Restarts = { ends: 0, total: 0 }

/** @param livedMs how long it was healthy; nothing where it never was */
export function afterEnd({ ends, total }: Restarts, livedMs: number): Restarts {
  return { ends: (livedMs >= STABLE_MS ? 0 : ends) + 1, total: total + 1 }
}

export function pauseMs({ ends }: Restarts): number {
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.max(0, ends - 1))
}

export function isLoop({ ends }: Restarts): boolean {
  return ends >= LOOP_ENDS
}

/** Whether a process that ended so is to be started again. */
export function isRestarted(policy: 'always' | 'on-failure' | 'never', exitCode: number | undefined): boolean {
  return policy === 'always' || (policy === 'on-failure' && exitCode !== 0)
}
