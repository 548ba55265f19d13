// Named registers at one node: takes and gives places, counts, and knows the newest value of each name from the fold and from its
// own changes. A change of unknown outcome is repeated or undone until it is known; what is held here is counted.
import { encode } from '@ipld/dag-cbor'
import type { NameKey, PeerId, Term } from '../../../protocols/ids.ts'
import type { Entry, RegisterValue } from '../../../protocols/records.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Change, Decide, Proposer } from '../claims/proposer.ts'
import type { NameFold } from './name-fold.ts'
import type { Facts, Holder, Place } from './places.ts'
import { givePlace, isHeldBy, isOver, placesOf, takePlace } from './places.ts'
import type { Operation } from './sums.ts'

export type NamesComponents = {
  self: PeerId
  epoch: number
  clock: Clock
  fold: NameFold
  facts: Facts
  proposer: Pick<Proposer, 'change'>
  append(entry: Entry): void
  /** A name has a newer value: who waits for one may look again. */
  onChange(key: NameKey): void
}

export type Names = {
  /** The newest value known here. */
  newest(key: NameKey): RegisterValue | undefined
  /** When this node learned it, by its monotonic clock; 0 where it always knew. */
  newestSinceMs(key: NameKey): number
  /** All names and their newest values. */
  all(): [NameKey, RegisterValue][]
  /** Places that are held as far as this node knows. */
  places(key: NameKey): Place[]
  take(key: NameKey, order: { what: string; term: Term; epoch?: number; limit: number }): Promise<Taken>
  /** Gives back, and goes on trying until the register knows or the term is over anyway. */
  give(key: NameKey, holder: { what: string; term: Term }): Promise<void>
  /** One operation that counts once; settles as unreachable when its outcome is not known in time. */
  operate(key: NameKey, decide: (operation: Operation) => Decide, deadlineMs: number): Promise<Change>
  /** Settles when the name changes next, after `timeoutMs`, or when the signal fires. */
  changed(key: NameKey, timeoutMs: number, signal: AbortSignal): Promise<void>
  /** Own terms under which this node holds or takes a place: they need a lease. */
  ownTerms(): Term[]
  /** Terms that hold a place in the fold. */
  terms(): { node: PeerId; term: Term }[]
  /** From the keepers: a value that is chosen for certain. */
  chosen(key: NameKey, value: RegisterValue): void
  /** From the fold. */
  folded(key: NameKey): void
  stop(): void
}
export type Taken = { taken: number } | { refused: string; current: RegisterValue } | { unreachable: string }

const TAKE_MS = 2_000
const GIVE_TRY_MS = 3_000
const GIVE_AGAIN_MS = 500
/** A name that changes all the time is logged in steps: each entry stays for ever. Large values are logged more rarely. */
const LOG_COUNTER_MS = 250
const LOG_BYTES_PER_MS = 16

export function createNames(components: NamesComponents): Names {
  const { self, clock, fold, facts, proposer } = components
  // Keyed by name: there are never more than the keepers take (NAMES_MAX).
  const ahead = new Map<NameKey, RegisterValue>()
  const logged = new Map<NameKey, number>()
  const since = new Map<NameKey, number>()
  const logging = new Map<NameKey, Cancel>()
  const queues = new Map<NameKey, Promise<unknown>>()
  const own = new Map<string, Term>()
  /** A place that is being given back is not taken again before that is done: the giving would end the new hold. */
  const giving = new Map<string, Promise<void>>()
  const waiters = new Map<NameKey, Set<() => void>>()
  let number = 0
  let stopped = false

  const newest = (key: NameKey): RegisterValue | undefined => ahead.get(key) ?? fold.get(key)
  /** The first value of a burst is logged at once, so that others see it; what follows is logged in steps. */
  const log = (key: NameKey): void => {
    const value = ahead.get(key)
    logging.delete(key)
    if (value === undefined || stopped || value.version <= Math.max(logged.get(key) ?? 0, fold.get(key)?.version ?? 0)) return
    logged.set(key, value.version)
    components.append({ kind: 'name', key, value })
    const gapMs = value.name?.sum === undefined ? encode(value).length / LOG_BYTES_PER_MS : LOG_COUNTER_MS
    logging.set(
      key,
      clock.after(gapMs, () => log(key)),
    )
  }
  const learned = (key: NameKey): void => {
    since.set(key, clock.nowMs())
    for (const wake of waiters.get(key) ?? []) wake()
    components.onChange(key)
  }
  const nameOf = (key: NameKey, holder: { what: string; term: Term }): string => `${key}\0${holder.term}\0${holder.what}`

  const giveUntilKnown = async (key: NameKey, holder: Holder): Promise<void> => {
    while (!stopped && !facts.termEnded(self, holder.term)) {
      const change = await proposer.change(key, givePlace(holder), GIVE_TRY_MS)
      if (!('unreachable' in change)) break
      await new Promise<void>((resolve) => clock.after(GIVE_AGAIN_MS, resolve))
    }
    own.delete(nameOf(key, holder))
    giving.delete(nameOf(key, holder))
  }
  const give: Names['give'] = (key, { what, term }) => {
    const name = nameOf(key, { what, term })
    const running = giving.get(name) ?? giveUntilKnown(key, { node: self, term, what })
    giving.set(name, running)
    return running
  }

  return {
    newest,
    newestSinceMs: (key) => since.get(key) ?? 0,
    all: () => [...new Map([...fold.entries(), ...ahead])],
    places: (key) => placesOf(newest(key)).filter((place) => !isOver(place, facts)),
    async take(key, order) {
      const holder: Holder = { node: self, term: order.term, what: order.what }
      const name = nameOf(key, holder)
      await giving.get(name)
      const heldBefore = own.has(name)
      own.set(name, order.term)
      const change = await proposer.change(key, takePlace({ ...order, ...holder, wallMs: clock.wallMs() }, facts), TAKE_MS)
      const value = 'changed' in change ? change.changed : 'refused' in change && change.refused === 'mine' ? change.current : undefined
      const place = placesOf(value).find((one) => isHeldBy(one, holder))
      if (place !== undefined) return { taken: place.epoch }
      // Whether it was taken is not known: it is given back in either case.
      if ('unreachable' in change) void give(key, holder)
      else if (!heldBefore) own.delete(name)
      return 'changed' in change ? { unreachable: 'the value that was written does not hold the place' } : change
    },
    give,
    operate(key, decide, deadlineMs) {
      // One at a time: the register remembers only the last operation of a node.
      const before = queues.get(key) ?? Promise.resolve()
      const result = before.then(() => proposer.change(key, decide([self, components.epoch, ++number]), deadlineMs))
      queues.set(key, result)
      void result.finally(() => (queues.get(key) === result ? queues.delete(key) : undefined))
      return result
    },
    changed: (key, timeoutMs, signal) =>
      new Promise((resolve) => {
        const set = waiters.get(key) ?? new Set()
        waiters.set(key, set)
        const wake = (): void => {
          timer()
          signal.removeEventListener('abort', wake)
          set.delete(wake)
          if (set.size === 0) waiters.delete(key)
          resolve()
        }
        const timer = clock.after(timeoutMs, wake)
        set.add(wake)
        signal.addEventListener('abort', wake)
        if (signal.aborted) wake()
      }),
    ownTerms: () => [...own.values()],
    terms() {
      const terms = new Map<string, { node: PeerId; term: Term }>()
      for (const [, value] of fold.entries())
        for (const place of placesOf(value)) if (!isOver(place, facts)) terms.set(`${place.node}/${place.term}`, place)
      return [...terms.values()]
    },
    chosen(key, value) {
      if ((newest(key)?.version ?? 0) >= value.version) return
      ahead.set(key, value)
      learned(key)
      if (!logging.has(key)) log(key)
    },
    folded(key) {
      const value = ahead.get(key)
      if (value !== undefined && value.version <= (fold.get(key)?.version ?? 0)) ahead.delete(key)
      learned(key)
    },
    stop() {
      stopped = true
      for (const cancel of logging.values()) cancel()
    },
  }
}
