// The holder's side of its leases: the terms of this node, one for each length, renewed at all seats in one message while they
// have work. It says until when work may run, and when a term was ended by others. It never starts or stops work itself.
import type { PeerId, Term } from '../../../protocols/ids.ts'
import { longTermMs } from '../../../protocols/ids.ts'
import { TERMS_MAX } from '../../../protocols/limits.ts'
import type { GroupConfig } from '../../../protocols/streams.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { ASK_MS, LEASE_MS, RENEW_MS } from './lease-times.ts'
import type { Quorum } from './quorum.ts'
import { majorityOf } from './quorum.ts'

export type LeaseComponents = {
  self: PeerId
  epoch: number
  clock: Clock
  quorum: Quorum
  config(): GroupConfig
  onStale(seat: PeerId, config: GroupConfig): void
  /** The terms that hold or claim anything: an idle node renews nothing. */
  needed(): ReadonlySet<Term>
  /** Work under `term` may run until `untilMs` of the monotonic clock. */
  onValid(term: Term, untilMs: number): void
  /** No majority can renew this term any more: its work must be ended. */
  onEnded(term: Term): void
  /** Terms of the process before, whose work goes on under this one: renewed while they are needed, and nothing is claimed under them. */
  adopted: readonly Term[]
}

/** Each is a renewal at the seats that hear it; on a busy machine an answer may come late. */
const AWAY_TRIES = 10

export type Lease = {
  /** The present term of this length: what is claimed now is claimed under it. */
  term(lengthMs?: number): Term
  isCurrent(term: Term): boolean
  /** Work may run for at least this much longer; negative where the lease has run out. */
  remainingMs(term: Term): number
  /** Starts renewing now if it is needed. */
  wake(): void
  /** Called when the fold or a seat says that this term is over. */
  ended(term: Term): void
  /** All present terms of this process, the usual one first. */
  terms(): Term[]
  /** Those of the process before that still have work. */
  adopted(): Term[]
  /**
   * Renews what is needed once more, for a successor that goes on with it; from then on this process renews nothing. False where no
   * majority says that it waits: then all goes on as before.
   */
  away(awayMs: number): Promise<boolean>
  stop(): void
}

/** `untilMs`: when the guardian freezes its work. `goneMs`: when enough seats may have ended it that waiting is in vain. */
type Live = { term: Term; lengthMs: number; untilMs: number; goneMs: number; neededMs: number; refusedBy: Set<PeerId> }

export function createLease(components: LeaseComponents): Lease {
  const { clock, quorum } = components
  const live = new Map<number, Live>()
  const inherited = new Map<Term, Live>()
  let counter = 0
  let timer: Cancel | undefined
  let stopped = false
  let isAway = false

  /** A name never comes back, whatever its length. */
  const open = (lengthMs: number): Live => {
    counter += 1
    const term = `${components.epoch}.${counter}${lengthMs > LEASE_MS ? `~${lengthMs}` : ''}` as Term
    const fresh = { term, lengthMs, untilMs: -Infinity, goneMs: -Infinity, neededMs: clock.nowMs(), refusedBy: new Set<PeerId>() }
    live.set(lengthMs, fresh)
    return fresh
  }
  const usual = open(LEASE_MS)
  for (const term of components.adopted) {
    const lengthMs = Math.max(LEASE_MS, longTermMs(term) ?? 0)
    // A first refusal by one seat alone ends nothing: the others may still renew it.
    const goneMs = clock.nowMs() + lengthMs
    inherited.set(term, { term, lengthMs, untilMs: -Infinity, goneMs, neededMs: clock.nowMs(), refusedBy: new Set() })
  }
  const all = (): Live[] => [...live.values(), ...inherited.values()]
  const find = (term: Term): Live | undefined => all().find((one) => one.term === term)

  const ended = (which: Term): void => {
    const over = find(which)
    if (over === undefined) return
    if (inherited.delete(which)) return components.onEnded(which)
    if (over.lengthMs === LEASE_MS) open(LEASE_MS)
    else live.delete(over.lengthMs)
    components.onEnded(which)
    wake()
  }
  /** A long term without work is closed once the keepers may count it as over; until then a late claim may still name it. */
  const closeIdle = (needed: ReadonlySet<Term>): void => {
    const nowMs = clock.nowMs()
    for (const term of inherited.keys()) if (!needed.has(term)) inherited.delete(term)
    for (const one of live.values()) {
      if (needed.has(one.term)) one.neededMs = nowMs
      else if (one.lengthMs > LEASE_MS && nowMs - one.neededMs >= one.lengthMs) live.delete(one.lengthMs)
    }
  }
  const renew = (): void => {
    timer = undefined
    const needed = components.needed()
    closeIdle(needed)
    if (stopped || isAway || needed.size === 0) return
    timer = clock.after(RENEW_MS, renew)
    const sentMs = clock.nowMs()
    const config = components.config()
    const first = live.get(LEASE_MS) ?? usual
    const asked = all().filter((one) => one === first || needed.has(one.term))
    const also = asked.filter((one) => one !== first).map((one) => one.term)
    const granted = new Map(asked.map((one) => [one.term, 0]))
    quorum.ask({
      seats: config.seats,
      timeoutMs: ASK_MS,
      message: (id) => ({ t: 'renew', id, version: config.version, term: first.term, ...(also.length > 0 ? { also } : {}) }),
      answer(seat, answer) {
        if (answer.t === 'stale') components.onStale(seat, answer.config)
        if (answer.t !== 'renewed') return
        for (const one of asked) {
          if (find(one.term) !== one) continue
          const ok = one === first ? answer.ok : answer.ended?.includes(one.term) !== true
          if (ok) grant(one, (granted.get(one.term) ?? 0) + 1)
          else refuse(one, seat)
        }
      },
      timeout: () => {},
    })

    function grant(one: Live, grants: number): void {
      granted.set(one.term, grants)
      if (grants !== majorityOf(config.seats) || sentMs + LEASE_MS <= one.untilMs) return
      one.untilMs = sentMs + LEASE_MS
      one.goneMs = sentMs + one.lengthMs
      components.onValid(one.term, one.untilMs)
    }
    function refuse(one: Live, seat: PeerId): void {
      one.refusedBy.add(seat)
      const hopeless = config.seats.filter((peer) => one.refusedBy.has(peer)).length > config.seats.length - majorityOf(config.seats)
      // Some seats ended it, others still renew it: once its whole length is over anyway, the holder lets go, or nobody could move.
      if (hopeless || one.goneMs <= clock.nowMs()) ended(one.term)
    }
  }
  const wake = (): void => {
    if (timer === undefined) renew()
  }
  const askForAway = (awayMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      const [term, ...also] = [...components.needed()].filter((one) => find(one) !== undefined)
      if (term === undefined) return resolve(true)
      const { version, seats } = components.config()
      let waiting = 0
      quorum.ask({
        seats,
        timeoutMs: ASK_MS,
        message: (id) => ({ t: 'renew', id, version, term, ...(also.length > 0 ? { also } : {}), awayMs }),
        answer(seat, answer) {
          if (answer.t === 'stale') components.onStale(seat, answer.config)
          if (answer.t !== 'renewed' || !answer.ok || answer.ended !== undefined || answer.awayMs !== awayMs) return
          waiting += 1
          if (waiting === majorityOf(seats)) resolve(true)
        },
        complete: () => resolve(false),
        timeout: () => resolve(false),
      })
    })
  return {
    term(lengthMs = LEASE_MS) {
      const known = live.get(lengthMs)
      if (known !== undefined) {
        known.neededMs = clock.nowMs()
        return known.term
      }
      // At the limit a task gets the usual length: it loses its patience, never its safety.
      return all().length >= TERMS_MAX ? (live.get(LEASE_MS) ?? usual).term : open(lengthMs).term
    },
    isCurrent: (term) => find(term) !== undefined,
    remainingMs: (term) => (find(term)?.untilMs ?? -Infinity) - clock.nowMs(),
    wake,
    ended,
    terms: () => [...live.values()].sort((a, b) => a.lengthMs - b.lengthMs).map((one) => one.term),
    adopted: () => [...inherited.keys()],
    async away(awayMs) {
      // An ordinary renewal after it would take it back.
      isAway = true
      timer?.()
      timer = undefined
      for (let left = AWAY_TRIES; left > 0 && !stopped; left--) if (await askForAway(awayMs)) return true
      isAway = false
      wake()
      return false
    },
    stop() {
      stopped = true
      timer?.()
    },
  }
}
