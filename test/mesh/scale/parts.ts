// What the parts of the large simulator know of each other: the world and its nodes.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { LinkMessage } from '../../../protocols/streams.ts'
import type { Random } from '../../../node/kernel/random.ts'
import type { Overlay } from '../../../node/mesh/overlay/overlay.ts'
import type { Replica } from '../../../node/replication/replica.ts'
import type { SimClock } from '../parts/sim-clock.ts'

export type Traffic = { messages: number; bytes: number }
export type ScaleWorld = {
  clock: SimClock
  random: Random
  peers: readonly PeerId[]
  hubs: readonly PeerId[]
  /** Share of messages that get lost: a stand-in for full lanes, which a real link answers alike. */
  loss: number
  /** Nodes that crashed. */
  dead: number
  node(peer: PeerId): ScaleNode
  roundTripMs(one: PeerId, other: PeerId): number
  send(from: PeerId, to: PeerId, message: LinkMessage): boolean
  dial(from: PeerId, to: PeerId, done: () => void): void
  unlink(one: PeerId, other: PeerId): void
  onBlock(peer: PeerId, block: Block): void
  onError(error: unknown): void
  /** What came in at all nodes, by kind. */
  traffic: Map<LinkMessage['t'], Traffic>
  /** Bytes that came in at each node. */
  received: Map<PeerId, number>
  errors: unknown[]
}

export type ScaleNode = {
  peer: PeerId
  overlay: Overlay
  replica: Replica
  up: boolean
  links: Set<PeerId>
  start(): void
  /** It is gone for good: its links close. */
  crash(): void
  receive(from: PeerId, message: LinkMessage): void
}
