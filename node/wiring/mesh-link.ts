// Between the mesh, which carries bytes, and the queue, which speaks messages: encodes and decodes, and hands each kind to
// its machine. It keeps no state of its own beyond how far it announced the own log.
import type { GossipMessage } from '../../protocols/gossip.ts'
import { decodeGossip, encodeGossip } from '../../protocols/gossip.ts'
import type { PeerId } from '../../protocols/ids.ts'
import type { Presence } from '../../protocols/presence.ts'
import type { Head, LinkMessage, LinkMessageOf } from '../../protocols/streams.ts'
import { decodeLink, encodeLink, laneOf } from '../../protocols/streams.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { MeshHost } from '../mesh/host.ts'
import type { Membership } from '../mesh/membership.ts'
import type { Engine } from '../tasks/engine.ts'
import type { OverlayWiring } from './overlay/overlay-wiring.ts'

const HEADS_MS = 1_000

export type MeshLinkComponents = {
  clock: Clock
  log: Log
  host: Pick<MeshHost, 'events' | 'send' | 'announce' | 'peers' | 'hangUp'>
  membership: Membership
  overlay: Pick<OverlayWiring, 'isSparse' | 'receive' | 'onStatuses' | 'peerUp' | 'peerDown' | 'welcome'>
  engine: Engine
  onPresence(presence: Presence): void
  onProgress(from: PeerId, progress: LinkMessageOf<'progress'>): void
  onSessionOutput(from: PeerId, output: LinkMessageOf<'session-output'>): void
  ownPresence(): Presence
  onPeer(peer: PeerId): void
}

/** Encodes once for many receivers: a block goes to all neighbours as the same bytes. */
export function createSender(host: Pick<MeshHost, 'send'>): (peer: PeerId, message: LinkMessage) => boolean {
  const encoded = new WeakMap<LinkMessage, Uint8Array>()
  return (peer, message) => {
    let bytes = encoded.get(message)
    if (bytes === undefined) {
      bytes = encodeLink(message)
      encoded.set(message, bytes)
    }
    return host.send(peer, laneOf(message), bytes)
  }
}

/**
 * Tells a status to all: over the links where every living member has one, since gossip sends it four times to each in a
 * small mesh; by gossip where somebody can be reached through others only. In a large mesh neighbours pass it on.
 */
export function createPresenceTeller(
  host: Pick<MeshHost, 'peers' | 'announce'>,
  send: (peer: PeerId, message: LinkMessage) => boolean,
  overlay: Pick<OverlayWiring, 'isSparse' | 'tell'>,
  alive: () => PeerId[],
): (presence: Presence) => void {
  return (presence) => {
    if (overlay.isSparse()) return overlay.tell(presence)
    const linked = new Set(host.peers())
    const isTold = [...linked].map((peer) => send(peer, presence))
    if (isTold.includes(false) || alive().some((peer) => !linked.has(peer))) host.announce(encodeGossip(presence))
  }
}

export function connectMesh(components: MeshLinkComponents, send: (peer: PeerId, message: LinkMessage) => boolean): Cancel {
  const { host, membership, overlay, engine, log } = components
  const onFrame = (peer: PeerId, frame: Uint8Array): void => {
    membership.heard(peer)
    const message = decodeLink(frame)
    if ('invalid' in message) {
      log.warn({ peer, reason: message.invalid }, 'a peer sent a malformed message; its link is closed')
      return host.hangUp(peer)
    }
    if ('skipped' in message) return
    switch (message.t) {
      case 'probe':
      case 'probed':
      case 'ask-probe':
      case 'asked':
        return membership.receive(peer, message)
      case 'presence':
        return message.node === peer ? components.onPresence(message) : undefined
      case 'neighbour':
        return overlay.receive(peer, message)
      case 'statuses':
        return overlay.onStatuses(peer, message)
      case 'progress':
        return components.onProgress(peer, message)
      case 'session-output':
        return components.onSessionOutput(peer, message)
      default:
        return engine.onMessage(peer, message)
    }
  }
  const onAnnouncement = (from: PeerId, bytes: Uint8Array): void => {
    const message: GossipMessage | { invalid: string } = decodeGossip(bytes)
    if ('invalid' in message) return log.warn({ peer: from, reason: message.invalid }, 'a malformed announcement was ignored')
    if (message.t === 'presence') return message.node === from ? components.onPresence(message) : undefined
    engine.onHeads(from, message.heads)
  }
  const cancels = [
    host.events.on('frame', ({ peer, frame }) => onFrame(peer, frame)),
    host.events.on('announcement', ({ from, bytes }) => onAnnouncement(from, bytes)),
    host.events.on('peer-up', ({ peer }) => {
      membership.peerUp(peer)
      overlay.peerUp(peer)
      send(peer, components.ownPresence())
      overlay.welcome(peer)
      engine.onPeerUp(peer)
      components.onPeer(peer)
    }),
    host.events.on('peer-down', ({ peer }) => {
      membership.peerDown(peer)
      overlay.peerDown(peer)
      components.onPeer(peer)
    }),
    announceHeads(components),
  ]
  return () => {
    for (const cancel of cancels) cancel()
  }
}

/**
 * Tells by gossip how far this node's own log stands, where a living member has not said that it has it: because the push was
 * lost, or because it is not linked. A block has one period to arrive: where every two are linked, gossip stays silent.
 */
function announceHeads({ clock, engine, host, membership, overlay }: MeshLinkComponents): Cancel {
  let told = 0
  let before = 0
  let timer: Cancel = () => {}
  const look = (): void => {
    const own: readonly Head[] = engine.ownHeads()
    if (before > told && host.peers().length > 0) {
      told = before
      // Elsewhere neighbours tell each other of heads.
      if (!overlay.isSparse() && !membership.alive().every((peer) => engine.isKnownTo(peer, told)))
        host.announce(encodeGossip({ t: 'heads', heads: [...own] }))
    }
    before = own.at(-1)?.[2] ?? 0
    timer = clock.after(HEADS_MS, look)
  }
  look()
  return () => timer()
}
