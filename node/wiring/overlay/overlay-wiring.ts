// The overlay at a real node: members from the trust root, hubs from the keeper group, links of the mesh host; statuses that
// are passed on; and calls, which dial whoever is not linked.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Presence } from '../../../protocols/presence.ts'
import type { LinkMessage, LinkMessageOf } from '../../../protocols/streams.ts'
import { DOMAIN } from '../../../protocols/trust.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { MeshHost } from '../../mesh/host.ts'
import type { CallOptions } from '../../mesh/link/calls.ts'
import type { Membership } from '../../mesh/membership.ts'
import type { Overlay } from '../../mesh/overlay/overlay.ts'
import { createOverlay } from '../../mesh/overlay/overlay.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { Identity } from '../../trust/identity.ts'
import { createStatusRelay, paceFor } from './status-relay.ts'

/** A link that was made for a call stays for the next one. */
const CALLED_MS = 60_000

export type OverlayWiringComponents = {
  identity: Identity
  clock: Clock
  random: Random
  /** These are made after the overlay, or with it: they are asked for when they are needed. */
  host(): Pick<MeshHost, 'peers' | 'roundTripMs' | 'hangUp' | 'addressesOf' | 'dial' | 'call' | 'pipe'>
  engine(): Pick<Engine, 'seats' | 'spread'>
  membership(): Pick<Membership, 'stateOf' | 'heardOf'>
  send(peer: PeerId, message: LinkMessage): boolean
  /** Everyone who belongs here, this node left out. */
  members(): readonly PeerId[]
  onPresence(presence: Presence): void
  onError(error: unknown): void
}

export type OverlayWiring = Overlay & {
  /** For membership: set while not every two members are linked. */
  hubs(): { self: boolean; linked: readonly PeerId[] } | undefined
  /** How often a node may speak of itself; undefined for as often as it likes. */
  pace(): { tellMs: number; refreshMs: number } | undefined
  /** Tells the own status to all, by way of others. */
  tell(own: Presence): void
  onStatuses(from: PeerId, message: LinkMessageOf<'statuses'>): void
  /** A link stands: where this node is the hub for it, it tells all it knows of the others. */
  welcome(peer: PeerId): void
  /** A call to any member; dials first where there is no link. */
  call(peer: PeerId, body: Uint8Array, options?: CallOptions): AsyncIterable<Uint8Array>
  /** The same for bytes both ways. */
  pipe: MeshHost['pipe']
}

export function createOverlayWiring(components: OverlayWiringComponents): OverlayWiring {
  const { identity, clock, random, host, engine, membership, send, members } = components
  const self = identity.peerId
  const seats = (): readonly PeerId[] => engine().seats.config().seats
  const overlay = createOverlay({
    self,
    clock,
    random,
    members,
    living: () => members().filter((peer) => membership().stateOf(peer) === 'alive'),
    linked: () => host().peers(),
    hubs: seats,
    roundTripMs: (peer) => host().roundTripMs(peer),
    send: (peer, message) => void send(peer, message),
    hangUp: (peer) => host().hangUp(peer),
    onChange: () => engine().spread.look(),
    onError: components.onError,
  })
  const relay = createStatusRelay({
    self,
    isMember: (peer) => peer === self || members().includes(peer),
    sign: (bytes) => identity.sign(DOMAIN.presence, bytes),
    verify: (author, bytes, signature) => identity.verifyPeer(author, DOMAIN.presence, bytes, signature),
    route: (author, from) => engine().spread.route(author, from),
    onDuplicate: (from, author) => engine().spread.onDuplicate(from, author),
    send,
    onPresence(presence) {
      membership().heardOf(presence.node)
      components.onPresence(presence)
    },
  })
  const reach = async (peer: PeerId): Promise<void> => {
    if (host().peers().includes(peer) || !overlay.isSparse()) return
    overlay.use(peer, CALLED_MS)
    const addresses = host().addressesOf(peer)
    await host().dial(addresses.map((address) => `${address}/p2p/${peer}`))
  }
  return {
    ...overlay,
    hubs() {
      if (!overlay.isSparse()) return undefined
      const linked = host().peers()
      return { self: seats().includes(self), linked: seats().filter((seat) => linked.includes(seat)) }
    },
    pace: () => (overlay.isSparse() ? paceFor(members().length + 1) : undefined),
    tell: relay.tell,
    onStatuses: relay.receive,
    welcome(peer) {
      // One hub is enough for one newcomer: whose turn it is follows from its ID.
      const hubs = seats()
      if (overlay.isSparse() && hubs[(peer.codePointAt(peer.length - 1) ?? 0) % hubs.length] === self) relay.tellAll(peer)
    },
    async *call(peer, body, options) {
      await reach(peer)
      yield* host().call(peer, body, options)
    },
    async pipe(peer, body) {
      await reach(peer)
      return host().pipe(peer, body)
    },
  }
}
