// The pure changes of a lock or a limit: a place is taken while there are fewer than the limit, and given back. A place is held
// under its holder's term and may be removed by anybody who can prove that the holder has it no more.
import { encode } from '@ipld/dag-cbor'
import type { PeerId, Term } from '../../../protocols/ids.ts'
import { isTaskId } from '../../../protocols/ids.ts'
import { NAME_BYTES_MAX, NAME_PLACES_MAX } from '../../../protocols/limits.ts'
import type { NameState, RegisterValue } from '../../../protocols/records.ts'
import type { Decide } from '../claims/proposer.ts'
import type { Fold } from '../fold/fold.ts'

/** `what` is a task, held from `epoch` of its register on, or a session of a lock, whose `epoch` is the lock's fence. */
export type Place = { node: PeerId; term: Term; what: string; epoch: number; sinceMs: number }
export type Holder = Pick<Place, 'node' | 'term' | 'what'>
export type Facts = Pick<Fold, 'task' | 'termEnded'>

/** A large value is measured before it is proposed; below this many places none can be large. */
const MEASURED_FROM = 200

export function placesOf(value: RegisterValue | undefined): Place[] {
  return (value?.name?.holders ?? []).flatMap(({ node, term, places }) =>
    places.map(([what, epoch, sinceMs]) => ({ node, term, what, epoch, sinceMs })),
  )
}

/**
 * Proof that a place is held no more: its term was ended by a majority, or its task's register has settled or moved on. A claim
 * made with the place gives exactly the epoch that the place names, so a register that has reached it without being held by
 * this term says that the run is over or will never be.
 */
export function isOver(place: Place, facts: Facts): boolean {
  if (facts.termEnded(place.node, place.term)) return true
  if (!isTaskId(place.what)) return false
  const value = facts.task(place.what)?.value
  if (value === undefined || value.epoch < place.epoch) return value?.state === 'settled'
  return !(value.state === 'held' && value.epoch === place.epoch && value.holder === place.node && value.term === place.term)
}

/**
 * Takes a place. Refuses with `full`, or with `mine` where it is held already.
 * @param epoch of the task's register under the claim that follows; without it the fence of the lock
 */
export function takePlace(taker: Holder & { epoch?: number; limit: number; wallMs: number }, facts: Facts): Decide {
  return (current) => {
    const kept = placesOf(current).filter((place) => !isOver(place, facts))
    const own = kept.find((place) => isHeldBy(place, taker))
    if (own !== undefined && (taker.epoch === undefined || own.epoch === taker.epoch)) return { refused: 'mine' }
    const others = kept.filter((place) => place !== own)
    if (others.length >= Math.min(taker.limit, NAME_PLACES_MAX)) return { refused: 'full' }
    const fence = current.epoch + 1
    const { node, term, what } = taker
    const place: Place = { node, term, what, epoch: taker.epoch ?? fence, sinceMs: taker.wallMs }
    const next = withPlaces({ ...current, epoch: fence }, [...others, place])
    return others.length >= MEASURED_FROM && encode(next).length > NAME_BYTES_MAX ? { refused: 'full' } : next
  }
}

/** Gives a place back. Refuses with `gone` where somebody has removed it already. */
export function givePlace(holder: Holder): Decide {
  return (current) => {
    const places = placesOf(current)
    const kept = places.filter((place) => !isHeldBy(place, holder))
    return kept.length === places.length ? { refused: 'gone' } : withPlaces(current, kept)
  }
}

export function isHeldBy(place: Holder, holder: Holder): boolean {
  return place.node === holder.node && place.term === holder.term && place.what === holder.what
}

function withPlaces(value: RegisterValue, places: readonly Place[]): RegisterValue {
  const holders = new Map<string, NonNullable<NameState['holders']>[number]>()
  for (const { node, term, what, epoch, sinceMs } of places) {
    const key = `${node}/${term}`
    const holder = holders.get(key) ?? { node, term, places: [] }
    holders.set(key, holder)
    holder.places.push([what, epoch, sinceMs])
  }
  return { ...value, version: value.version + 1, name: { ...value.name, holders: [...holders.values()] } }
}
