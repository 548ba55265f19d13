// How long a joint is left to the worker that its author chose. That worker has room for many, so whoever helps would only be in
// its way; it is helped when it is gone, or has claimed nothing for a while.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import { hlcToMs } from '../../kernel/hlc.ts'
import type { TaskState } from '../fold/fold.ts'
import { isJoint } from '../joints.ts'
import type { Offer } from './match.ts'

/** Times the place of the helper among the workers, from when the chosen one claimed something last. */
const STEP_MS = 5_000
/** Who is here is looked up again after this. */
const OFFERS_MS = 50

export type JointPatience = {
  note(state: TaskState): void
  /** By the wall clock; 0 where this node need not wait. */
  until(state: TaskState): number
}

export function createJointPatience(components: { self: PeerId; clock: Clock; offers(): readonly Offer[] }): JointPatience {
  const { self, clock } = components
  /** When each worker claimed something last; bounded by the members. */
  const claimedAt = new Map<PeerId, number>()
  let seen: { offers: readonly Offer[]; atMs: number } | undefined

  const recentOffers = (): readonly Offer[] => {
    const nowMs = clock.nowMs()
    if (seen === undefined || seen.atMs + OFFERS_MS < nowMs) seen = { offers: components.offers(), atMs: nowMs }
    return seen.offers
  }
  return {
    note({ value }) {
      if (value.state === 'held' && value.holder !== undefined) claimedAt.set(value.holder, clock.wallMs())
    },
    until({ task, value }) {
      const preferred = task?.preferred?.[0]
      if (task === undefined || preferred === undefined || preferred === self || value.version > 0 || !isJoint(task.spec)) return 0
      const offers = recentOffers()
      if (!offers.some((offer) => offer.node === preferred && offer.alive && !offer.draining)) return 0
      const place = 1 + offers.findIndex((offer) => offer.node === self)
      return Math.max(hlcToMs(task.hlc), claimedAt.get(preferred) ?? 0) + STEP_MS * place
    },
  }
}
