// Which members should keep the registers: who sits, who could, and which seats have been silent for so long that another takes
// their place. Silence only proposes; the change itself needs the group's own majority.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'

const SEATS_MAX = 5

/**
 * The largest odd number of seats, at most five, that members who sit already or are here can fill. A seat counted as dead gives way
 * to a member that is here; where there is none it stays, since fewer seats would survive less.
 */
export function wantedSeats(
  current: readonly PeerId[],
  keepers: readonly PeerId[],
  linked: (peer: PeerId) => boolean,
  isDead: (seat: PeerId) => boolean = () => false,
): PeerId[] {
  const sitting = current.filter((seat) => keepers.includes(seat))
  const alive = sitting.filter((seat) => !isDead(seat))
  const candidates = keepers.filter((peer) => !sitting.includes(peer) && linked(peer))
  const here = odd(alive.length + candidates.length)
  if (here >= odd(current.length)) return [...alive, ...candidates].slice(0, here)
  const dead = sitting.filter((seat) => isDead(seat))
  return [...alive, ...candidates, ...dead].slice(0, odd(sitting.length + candidates.length))
}

function odd(count: number): number {
  const most = Math.min(SEATS_MAX, count)
  return most % 2 === 0 ? most - 1 : most
}

/** One step towards the wanted seats: first add, then remove. */
export function nextSeats(current: readonly PeerId[], wanted: readonly PeerId[]): PeerId[] | undefined {
  const added = wanted.find((seat) => !current.includes(seat))
  // A change in the midst of another one: more than one seat too many is never there.
  if (added !== undefined && current.length <= SEATS_MAX) return [...current, added]
  const removed = current.find((seat) => !wanted.includes(seat))
  return removed === undefined ? undefined : current.filter((seat) => seat !== removed)
}

export type SeatWatch = {
  /** Called at every look: notes who is silent since when. */
  look(seats: readonly PeerId[]): void
  isDead(seat: PeerId): boolean
}

/** At most as many entries as there are seats. */
export function createSeatWatch(clock: Pick<Clock, 'nowMs'>, linked: (peer: PeerId) => boolean, deadMs: number): SeatWatch {
  const silentSince = new Map<PeerId, number>()
  return {
    look(seats) {
      for (const seat of silentSince.keys()) if (!seats.includes(seat) || linked(seat)) silentSince.delete(seat)
      for (const seat of seats) if (!linked(seat) && !silentSince.has(seat)) silentSince.set(seat, clock.nowMs())
    },
    isDead: (seat) => clock.nowMs() - (silentSince.get(seat) ?? Infinity) >= deadMs,
  }
}
