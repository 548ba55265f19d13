// Passes on what members say of themselves where not every two are linked: each status with its author's signature, along
// the way by which that author's blocks come, and only the newest of each. It decides; sending and signing are ports.
import type { PeerId } from '../../../protocols/ids.ts'
import { HEADS_MAX } from '../../../protocols/limits.ts'
import type { Presence } from '../../../protocols/presence.ts'
import { decodePresence, encodePresence } from '../../../protocols/presence.ts'
import type { LinkMessage, LinkMessageOf } from '../../../protocols/streams.ts'

/** Bytes a second that the statuses of all others may cost one node, and what one of them costs on the wire. */
const BUDGET_BYTES = 8_000
const STATUS_WIRE_BYTES = 400
const TELL_MIN_MS = 250
const REFRESH_MIN_MS = 30_000

type Item = [Uint8Array, Uint8Array]

export type StatusRelayComponents = {
  self: PeerId
  isMember(peer: PeerId): boolean
  sign(bytes: Uint8Array): Uint8Array
  verify(author: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean
  /** To whom news of an author goes on from here. */
  route(author: PeerId, from: PeerId): PeerId[]
  /** The peer told what was known. */
  onDuplicate(from: PeerId, author: PeerId): void
  send(peer: PeerId, message: LinkMessage): boolean
  onPresence(presence: Presence): void
}

export type StatusRelay = {
  tell(own: Presence): void
  receive(from: PeerId, message: LinkMessageOf<'statuses'>): void
  /** Everything known, for a node that has just come. */
  tellAll(to: PeerId): void
}

/** How often a node may speak of itself so that all of them together stay within the budget of each. */
export function paceFor(members: number): { tellMs: number; refreshMs: number } {
  const tellMs = Math.max(TELL_MIN_MS, (members * STATUS_WIRE_BYTES * 1000) / BUDGET_BYTES)
  return { tellMs, refreshMs: Math.max(REFRESH_MIN_MS, 2 * tellMs) }
}

export function createStatusRelay(components: StatusRelayComponents): StatusRelay {
  const { self, isMember, send } = components
  const newest = new Map<PeerId, { epoch: number; version: number; item: Item }>() // bounded by the members

  const take = (presence: Presence, item: Item): void => {
    for (const peer of newest.keys()) if (!isMember(peer)) newest.delete(peer)
    newest.set(presence.node, { epoch: presence.epoch, version: presence.version, item })
  }
  const judge = (from: PeerId, item: Item): PeerId | undefined => {
    const [bytes, signature] = item
    const presence = decodePresence(bytes)
    if (presence === undefined || presence.node === self || !isMember(presence.node)) return undefined
    const known = newest.get(presence.node)
    if (known !== undefined && (known.epoch > presence.epoch || (known.epoch === presence.epoch && known.version >= presence.version))) {
      if (known.version === presence.version) components.onDuplicate(from, presence.node)
      return undefined
    }
    if (!components.verify(presence.node, bytes, signature)) return undefined
    take(presence, item)
    components.onPresence(presence)
    return presence.node
  }
  return {
    tell(own) {
      const bytes = encodePresence(own)
      const item: Item = [bytes, components.sign(bytes)]
      take(own, item)
      for (const peer of components.route(self, self)) send(peer, { t: 'statuses', list: [item] })
    },
    receive(from, { list }) {
      const onward = new Map<PeerId, Item[]>()
      for (const item of list) {
        const author = judge(from, item)
        if (author === undefined) continue
        for (const peer of components.route(author, from)) onward.set(peer, [...(onward.get(peer) ?? []), item])
      }
      for (const [peer, items] of onward) send(peer, { t: 'statuses', list: items })
    },
    tellAll(to) {
      const items = [...newest].flatMap(([peer, { item }]) => (peer === to ? [] : [item]))
      for (let at = 0; at < items.length; at += HEADS_MAX) send(to, { t: 'statuses', list: items.slice(at, at + HEADS_MAX) })
    },
  }
}
