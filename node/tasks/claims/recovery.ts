// What `group recover` changes in registers (decision 0001, "Recovery"): a group whose majority is lost for good goes on with other
// seats and may have forgotten what only the lost ones knew. Its versions and values start a new generation, above all earlier ones.
import type { RegisterKey } from '../../../protocols/ids.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { Ballot } from '../../../protocols/streams.ts'
import type { Register } from './registers/register-book.ts'
import type { Decide } from './proposer.ts'

/** Versions of one generation of the group; two recoveries at once end up at different places of it. */
const GENERATION = 1_000_000_000
/** Versions of one register within a generation. */
const VALUES = 1_000_000
/** Ballots of a generation lie above all that was promised before it. */
const ROUNDS = 10_000_000_000_000
const ROUNDS_OF_VERSION = 10_000
/** Above every ballot of a value that was only accepted. */
const CHOSEN: Ballot = [ROUNDS_OF_VERSION - 1, '']

export function generationOf(groupVersion: number): number {
  return Math.floor(groupVersion / GENERATION)
}

/** @param random 0 to 1: admins on two sides may recover at the same time, then the higher version counts everywhere */
export function recoveredVersion(groupVersion: number, random: number): number {
  return (generationOf(groupVersion) + 1) * GENERATION + Math.floor(random * GENERATION * 0.9)
}

/**
 * A seat's registers for a new generation: the newest value that it accepted or that the log tells of, whichever is newer, under a
 * ballot that orders first by the value's version. Seats that exchange these agree on the newest of all. What the log tells of was
 * chosen: it goes before a value of the same version that was only accepted, here and at every seat.
 */
export function reseeded(
  registers: Iterable<{ task: RegisterKey; register: Register }>,
  logged: Iterable<readonly [RegisterKey, RegisterValue]>,
  generation: number,
): { task: RegisterKey; register: Register }[] {
  const newest = new Map<RegisterKey, { ballot: Ballot; value: RegisterValue }>()
  for (const { task, register } of registers) if (register.accepted !== undefined) newest.set(task, register.accepted)
  for (const [task, value] of logged) {
    const known = newest.get(task)
    if (value.version > 0 && value.version >= (known?.value.version ?? 0)) newest.set(task, { ballot: CHOSEN, value })
  }
  return [...newest].map(([task, { ballot, value }]) => {
    const round =
      generation * ROUNDS + value.version * ROUNDS_OF_VERSION + Math.min(ballot[0], ballot === CHOSEN ? CHOSEN[0] : CHOSEN[0] - 1)
    const raised: Ballot = [round, ballot[1]]
    return { task, register: { promised: raised, accepted: { ballot: raised, value } } }
  })
}

/** In a later generation a change builds on the newest value that anybody told of, and its own is newer than all of before. */
export function lifted(decide: Decide, generation: number, logged: RegisterValue | undefined): Decide {
  if (generation === 0) return decide
  return (current) => {
    const next = decide(logged !== undefined && logged.version >= current.version ? logged : current)
    if (!('state' in next) || next.version > generation * VALUES) return next
    return { ...next, version: generation * VALUES + next.version }
  }
}
