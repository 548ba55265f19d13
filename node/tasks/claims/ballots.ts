// Ballots are totally ordered: by round, then by node. The empty ballot is below all.
import type { Ballot } from '../../../protocols/streams.ts'

export const NO_BALLOT: Ballot = [0, '']

/** Negative, zero or positive, as for sort. */
export function compareBallots(a: Ballot, b: Ballot): number {
  return a[0] !== b[0] ? a[0] - b[0] : a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0
}

export function isAbove(a: Ballot, b: Ballot): boolean {
  return compareBallots(a, b) > 0
}
