// The holder's side of a lease: one term of this node, renewed at all seats while it has work. It says until when work may
// run, and when a term was ended by others. It never starts or stops work itself.
import type { PeerId, Term } from '../../../protocols/ids.ts'
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
  /** Whether this node holds or claims anything: an idle node renews nothing. */
  needed(): boolean
  /** The lease of `term` runs until `untilMs` of the monotonic clock. */
  onValid(term: Term, untilMs: number): void
  /** A seat has ended this term and no majority can renew it any more: its work must be ended. */
  onEnded(term: Term): void
}

export type Lease = {
  term(): Term
  /** Valid for at least this much longer; negative where it has run out. */
  remainingMs(): number
  /** Starts renewing now if it is needed. */
  wake(): void
  /** Called when the fold or a seat says that this term is over. */
  ended(term: Term): void
  stop(): void
}

export function createLease(components: LeaseComponents): Lease {
  const { clock, quorum } = components
  let counter = 1
  let untilMs = -Infinity
  let timer: Cancel | undefined
  let refusedBy = new Set<PeerId>()
  let stopped = false
  const term = (): Term => `${components.epoch}.${counter}` as Term

  const ended = (which: Term): void => {
    if (which !== term()) return
    counter += 1
    untilMs = -Infinity
    refusedBy = new Set()
    components.onEnded(which)
    wake()
  }
  const renew = (): void => {
    timer = undefined
    if (stopped || !components.needed()) return
    timer = clock.after(RENEW_MS, renew)
    const sentMs = clock.nowMs()
    const config = components.config()
    const asked = term()
    let granted = 0
    quorum.ask({
      seats: config.seats,
      timeoutMs: ASK_MS,
      message: (id) => ({ t: 'renew', id, version: config.version, term: asked }),
      answer(seat, answer) {
        if (answer.t === 'stale') components.onStale(seat, answer.config)
        if (answer.t !== 'renewed' || asked !== term()) return
        if (!answer.ok) {
          refusedBy.add(seat)
          const hopeless = config.seats.filter((one) => refusedBy.has(one)).length > config.seats.length - majorityOf(config.seats)
          // Some seats ended it, others still renew it: once it has run out anyway, the holder lets go, or nobody could move.
          if (hopeless || untilMs <= clock.nowMs()) ended(asked)
          return
        }
        granted += 1
        if (granted !== majorityOf(config.seats) || sentMs + LEASE_MS <= untilMs) return
        untilMs = sentMs + LEASE_MS
        components.onValid(asked, untilMs)
      },
      timeout: () => {},
    })
  }
  const wake = (): void => {
    if (timer === undefined) renew()
  }
  return {
    term,
    remainingMs: () => untilMs - clock.nowMs(),
    wake,
    ended,
    stop() {
      stopped = true
      timer?.()
    },
  }
}
