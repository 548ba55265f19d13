// Ending the terms of others: when a seat's own clock says that a lease is over, or the holder said so itself, it asks all
// seats to end the term and logs the fact once a majority has. Then whatever the term held may be taken.
import type { PeerId, Term } from '../../../protocols/ids.ts'
import { lifeOf } from '../../../protocols/ids.ts'
import type { GroupConfig } from '../../../protocols/streams.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { ASK_MS } from './lease-times.ts'
import type { Quorum } from './quorum.ts'
import { majorityOf } from './quorum.ts'

/** Seats look for leases that are over this often; seat number n looks a little later than seat n - 1. */
const LOOK_MS = 250
const SEAT_STEP_MS = 60

export type TermsComponents = {
  self: PeerId
  /** This process's own life; earlier ones of this node have left no process. */
  life: Term
  clock: Clock
  quorum: Quorum
  config(): GroupConfig
  onStale(seat: PeerId, config: GroupConfig): void
  /** Terms that hold a task in the fold. */
  holding(): readonly { node: PeerId; term: Term }[]
  /** One of this node's own live terms: it never ends those. */
  isCurrent(term: Term): boolean
  remainingMs(node: PeerId, term: Term): number
  termEnded(node: PeerId, term: Term): boolean
  /** A majority has ended it: write it to the log. */
  onEnded(node: PeerId, term: Term): void
}

export type Terms = {
  start(): void
  stop(): void
  /** Asks all seats now; on a majority the term is logged as ended. `own`: this node's, with no process left. */
  end(node: PeerId, term: Term, own?: boolean): void
}

export function createTerms(components: TermsComponents): Terms {
  const { clock, quorum } = components
  const asking = new Set<string>()
  let timer: Cancel = () => {}

  const end = (node: PeerId, term: Term, own = false): void => {
    const key = `${node}/${term}`
    if (asking.has(key) || components.termEnded(node, term)) return
    asking.add(key)
    const config = components.config()
    const agreed = new Set<PeerId>()
    quorum.ask({
      seats: config.seats,
      timeoutMs: ASK_MS,
      message: (id) => ({ t: 'fence', id, version: config.version, node, term, ...(own ? { own } : {}) }),
      answer(seat, answer) {
        if (answer.t === 'stale') components.onStale(seat, answer.config)
        if (answer.t !== 'fenced' || !answer.ok) return
        agreed.add(seat)
        if (agreed.size !== majorityOf(config.seats)) return
        asking.delete(key)
        if (!components.termEnded(node, term)) components.onEnded(node, term)
      },
      complete: () => asking.delete(key),
      timeout: () => asking.delete(key),
    })
  }
  const isOver = (node: PeerId, term: Term, place: number): boolean => components.remainingMs(node, term) + place * SEAT_STEP_MS <= 0
  const look = (): void => {
    timer = clock.after(LOOK_MS, look)
    const place = components.config().seats.indexOf(components.self)
    for (const { node, term } of components.holding()) {
      if (node === components.self) {
        // What this node's earlier lives held is free: their processes were ended before this one began.
        if (lifeOf(term) !== components.life) end(node, lifeOf(term), true)
        else if (!components.isCurrent(term) && place >= 0 && isOver(node, term, place)) end(node, term)
      } else if (place >= 0 && isOver(node, term, place)) end(node, term)
    }
  }
  return {
    start: () => void (timer = clock.after(LOOK_MS, look)),
    stop: () => timer(),
    end,
  }
}
