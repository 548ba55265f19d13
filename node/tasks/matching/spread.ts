// Who may claim which part of a batch first. Neighbouring tasks go to one worker, so that a claim names many tasks in few bytes. Pure.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Offer } from './match.ts'
import { rank } from './match.ts'

/** Fewer joints than this are not worth a second worker's messages. */
const JOINTS_MIN = 128

/** @returns [node, how many tasks in a row], in order; nothing where nobody is able */
export function spread(spec: TaskSpec, first: TaskId, count: number, able: readonly Offer[]): [PeerId, number][] {
  // A joint takes no slot: every able worker is as good as the other.
  const offers = spec.kind === 'noop' ? able.map((offer) => ({ ...offer, freeSlots: 1 })) : able
  const order = rank(first, offers, spec)
  const slotsOf = (node: PeerId): number => offers.find((offer) => offer.node === node)?.freeSlots ?? 0
  const chosen = spec.kind === 'noop' ? order.slice(0, Math.ceil(count / JOINTS_MIN)) : order.slice(0, count)
  let slotsLeft = chosen.reduce((sum, node) => sum + slotsOf(node), 0)
  let left = count
  return chosen.flatMap((node): [PeerId, number][] => {
    const share = Math.min(left, Math.ceil((left * slotsOf(node)) / slotsLeft))
    slotsLeft -= slotsOf(node)
    left -= share
    return share > 0 ? [[node, share]] : []
  })
}
