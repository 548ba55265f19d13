// When an own block is durable: which members have it on disk, and who waits for a majority of the group.
import type { PeerId } from '../../protocols/ids.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'

export type Durability = {
  /** `peer` has this node's log of this epoch on disk up to `seq`. */
  acknowledged(peer: PeerId, seq: number): void
  /** Settles with `majority` once enough seats have block `seq`, or with `local` after `timeoutMs`. */
  wait(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  /** `peer` said that it has block `seq`. */
  has(peer: PeerId, seq: number): boolean
  /** The group changed. */
  recheck(): void
}

type Waiter = { seq: number; settle(result: 'majority' | 'local'): void }

/** Publications that wait at once; beyond it they are answered `local` (the entry itself is safe in the log). */
const WAITERS_MAX = 50_000

export function createDurability(components: { self: PeerId; clock: Clock; seats(): readonly PeerId[] }): Durability {
  const durable = new Map<PeerId, number>()
  const waiters = new Set<Waiter>()
  const has = (peer: PeerId, seq: number): boolean => (durable.get(peer) ?? 0) >= seq
  const reached = (seq: number): boolean => {
    const seats = components.seats()
    return seats.filter((seat) => has(seat, seq)).length > seats.length / 2
  }
  const recheck = (): void => {
    for (const waiter of waiters) if (reached(waiter.seq)) waiter.settle('majority')
  }
  return {
    acknowledged(peer, seq) {
      if (seq <= (durable.get(peer) ?? 0)) return
      durable.set(peer, seq)
      recheck()
    },
    has,
    recheck,
    wait: (seq, timeoutMs) =>
      new Promise((resolve) => {
        if (reached(seq)) return resolve('majority')
        if (waiters.size >= WAITERS_MAX) return resolve('local')
        let cancel: Cancel = () => {}
        const waiter: Waiter = {
          seq,
          settle(result) {
            waiters.delete(waiter)
            cancel()
            resolve(result)
          },
        }
        waiters.add(waiter)
        cancel = components.clock.after(timeoutMs, () => waiter.settle('local'))
      }),
  }
}
