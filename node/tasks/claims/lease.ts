// The holder's side of its leases: the terms of this node, one for each length, renewed at all seats in one message while they
// have work. It says until when work may run, and when a term was ended by others. It never starts or stops work itself.
import type { PeerId, Term } from '../../../protocols/ids.ts'
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
}

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
  /** All present terms, the usual one first. */
  terms(): Term[]
  stop(): void
}

/** `untilMs`: when the guardian freezes its work. `goneMs`: when enough seats may have ended it that waiting is in vain. */
type Live = { term: Term; lengthMs: number; untilMs: number; goneMs: number; neededMs: number; refusedBy: Set<PeerId> }

export function createLease(components: LeaseComponents): Lease {
  const { clock, quorum } = components
  const live = new Map<number, Live>()
  let counter = 0
  let timer: Cancel | undefined
  let stopped = false

  /** A name never comes back, whatever its length. */
  const open = (lengthMs: number): Live => {
    counter += 1
    const term = `${components.epoch}.${counter}${lengthMs > LEASE_MS ? `~${lengthMs}` : ''}` as Term
    const fresh = { term, lengthMs, untilMs: -Infinity, goneMs: -Infinity, neededMs: clock.nowMs(), refusedBy: new Set<PeerId>() }
    live.set(lengthMs, fresh)
    return fresh
  }
  const usual = open(LEASE_MS)
  const find = (term: Term): Live | undefined => [...live.values()].find((one) => one.term === term)

  const ended = (which: Term): void => {
    const over = find(which)
    if (over === undefined) return
    if (over.lengthMs === LEASE_MS) open(LEASE_MS)
    else live.delete(over.lengthMs)
    components.onEnded(which)
    wake()
  }
  /** A long term without work is closed once the keepers may count it as over; until then a late claim may still name it. */
  const closeIdle = (needed: ReadonlySet<Term>): void => {
    const nowMs = clock.nowMs()
    for (const one of live.values()) {
      if (needed.has(one.term)) one.neededMs = nowMs
      else if (one.lengthMs > LEASE_MS && nowMs - one.neededMs >= one.lengthMs) live.delete(one.lengthMs)
    }
  }
  const renew = (): void => {
    timer = undefined
    const needed = components.needed()
    closeIdle(needed)
    if (stopped || needed.size === 0) return
    timer = clock.after(RENEW_MS, renew)
    const sentMs = clock.nowMs()
    const config = components.config()
    const asked = [...live.values()].filter((one) => one.lengthMs === LEASE_MS || needed.has(one.term))
    const first = asked.find((one) => one.lengthMs === LEASE_MS) ?? usual
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
          if (live.get(one.lengthMs) !== one) continue
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
  return {
    term(lengthMs = LEASE_MS) {
      const known = live.get(lengthMs)
      if (known !== undefined) {
        known.neededMs = clock.nowMs()
        return known.term
      }
      // At the limit a task gets the usual length: it loses its patience, never its safety.
      return live.size >= TERMS_MAX ? (live.get(LEASE_MS) ?? usual).term : open(lengthMs).term
    },
    isCurrent: (term) => find(term) !== undefined,
    remainingMs: (term) => (find(term)?.untilMs ?? -Infinity) - clock.nowMs(),
    wake,
    ended,
    terms: () => [...live.values()].sort((a, b) => a.lengthMs - b.lengthMs).map((one) => one.term),
    stop() {
      stopped = true
      timer?.()
    },
  }
}
