// A large mesh in one process: nodes on a plane, links that need a handshake, messages that take half a round trip, all
// in virtual time from one seed. Messages are counted and weighed as they would travel.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Block } from '../../../protocols/blocks.ts'
import type { LinkMessage } from '../../../protocols/streams.ts'
import { encodeLink } from '../../../protocols/streams.ts'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import { fakePeer } from '../parts/fake-identity.ts'
import { createSimClock } from '../parts/sim-clock.ts'
import type { ScaleNode, ScaleWorld } from './parts.ts'
import { createScaleNode } from './scale-node.ts'

/** TCP, pnet, Noise, yamux and the block's own envelope, about. */
const FRAME_BYTES = 100
const ROUND_TRIP_MIN_MS = 5
const ROUND_TRIP_MAX_MS = 215
/** A handshake of TCP, Noise, muxer and hello. */
const DIAL_ROUND_TRIPS = 4
const JITTER = 0.05

export type ScalePlan = { nodes: number; seed: number; roundTripMs?: number; onBlock?: (peer: PeerId, block: Block) => void }

export function createScaleWorld(plan: ScalePlan): ScaleWorld {
  const clock = createSimClock()
  const random = createSeededRandom(plan.seed)
  const peers = Array.from({ length: plan.nodes }, (_, index) => fakePeer(index))
  const places = new Map(peers.map((peer) => [peer, [random.next(), random.next()] as const]))
  const nodes = new Map<PeerId, ScaleNode>()
  const weights = new WeakMap<LinkMessage, number>()
  const weigh = (message: LinkMessage): number => {
    const known = weights.get(message) ?? encodeLink(message).length + FRAME_BYTES
    weights.set(message, known)
    return known
  }
  const count = (to: PeerId, message: LinkMessage): void => {
    const bytes = weigh(message)
    const sum = world.traffic.get(message.t) ?? { messages: 0, bytes: 0 }
    world.traffic.set(message.t, { messages: sum.messages + 1, bytes: sum.bytes + bytes })
    world.received.set(to, (world.received.get(to) ?? 0) + bytes)
  }
  const world: ScaleWorld = {
    clock,
    random,
    peers,
    hubs: peers.slice(0, 5),
    loss: 0,
    dead: 0,
    traffic: new Map(),
    received: new Map(),
    errors: [],
    node: (peer) => nodes.get(peer) as ScaleNode,
    roundTripMs(one, other) {
      if (plan.roundTripMs !== undefined) return plan.roundTripMs
      const [[x, y], [u, v]] = [places.get(one) as readonly [number, number], places.get(other) as readonly [number, number]]
      return ROUND_TRIP_MIN_MS + ((ROUND_TRIP_MAX_MS - ROUND_TRIP_MIN_MS) * Math.hypot(x - u, y - v)) / Math.SQRT2
    },
    send(from, to, message) {
      if (random.next() < world.loss && message.t !== 'neighbour') return true
      const delayMs = (world.roundTripMs(from, to) / 2) * (1 + random.next() * JITTER)
      clock.after(delayMs, () => {
        if (!world.node(to).links.has(from)) return
        count(to, message)
        world.node(to).receive(from, message)
      })
      return true
    },
    dial(from, to, done) {
      clock.after(DIAL_ROUND_TRIPS * world.roundTripMs(from, to), () => {
        done()
        const [one, other] = [world.node(from), world.node(to)]
        if (!one.up || !other.up || one.links.has(to)) return
        one.links.add(to)
        other.links.add(from)
        for (const [node, peer] of [
          [one, to],
          [other, from],
        ] as const) {
          node.overlay.peerUp(peer)
          node.replica.onPeerUp(peer)
        }
      })
    },
    unlink(one, other) {
      for (const [peer, gone] of [
        [one, other],
        [other, one],
      ] as const) {
        const node = world.node(peer)
        if (node.links.delete(gone) && node.up) node.overlay.peerDown(gone)
      }
    },
    onBlock: plan.onBlock ?? (() => {}),
    onError: (error) => void world.errors.push(error),
  }
  for (const peer of peers) nodes.set(peer, createScaleNode(world, peer))
  return world
}
