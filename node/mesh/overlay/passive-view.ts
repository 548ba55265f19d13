// Members that could become neighbours: a small sample of them all, renewed a little each round, with those left out for a
// while that had no room.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Random } from '../../kernel/random.ts'
import { pick } from '../../kernel/random.ts'

const PASSIVE = 32
/** Places renewed in one round. */
const RENEWED = 2

export type PassiveView = {
  /** Drops who is no member any more, and takes in others for some of the rest, most of them living ones. */
  refresh(members: readonly PeerId[], living: readonly PeerId[]): void
  /** One of them for which `isFit`. */
  any(isFit: (peer: PeerId) => boolean): PeerId | undefined
  refuse(peer: PeerId, untilMs: number): void
  isRefused(peer: PeerId, nowMs: number): boolean
}

export function createPassiveView(random: Random): PassiveView {
  const view = new Set<PeerId>()
  const refused = new Map<PeerId, number>() // bounded by the members
  return {
    refresh(members, living) {
      const current = new Set(members)
      for (const peer of view) if (!current.has(peer)) view.delete(peer)
      for (const peer of refused.keys()) if (!current.has(peer)) refused.delete(peer)
      if (view.size >= PASSIVE) for (let left = RENEWED; left > 0; left--) view.delete(pick(random, [...view]) as PeerId)
      // A few draws more than there are places: some are in it already. One is drawn of all, for who seems dead may be back.
      const add = (from: readonly PeerId[]): void => {
        const peer = pick(random, from)
        if (peer !== undefined && view.size < PASSIVE) view.add(peer)
      }
      add(members)
      for (let draws = 2 * PASSIVE; draws > 0 && view.size < PASSIVE; draws--) add(living)
    },
    any: (isFit) => pick(random, [...view].filter(isFit)),
    refuse: (peer, untilMs) => void refused.set(peer, untilMs),
    isRefused(peer, nowMs) {
      const untilMs = refused.get(peer)
      if (untilMs !== undefined && untilMs <= nowMs) refused.delete(peer)
      return refused.has(peer)
    },
  }
}
