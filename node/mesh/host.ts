// The mesh host: libp2p, links, calls and gossip between admitted members. It knows bytes and members, never what
// the bytes say; who is a member is the admission port's word.
import type { Connection } from '@libp2p/interface'
import { topicOf } from '../../protocols/gossip.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX } from '../../protocols/limits.ts'
import type { Lane } from '../../protocols/streams.ts'
import { PROTOCOL } from '../../protocols/streams.ts'
import type { Bus } from '../kernel/bus.ts'
import { createBus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { AddressBook, AddressBookComponents } from './address-book.ts'
import { createAddressBook, hostAndPort } from './address-book.ts'
import type { CallHandler, CallOptions } from './calls.ts'
import { CALLS_PER_PEER_MAX, callOver, createCallServer } from './calls.ts'
import { connect } from './dialing.ts'
import type { FrameStream } from './frame-stream.ts'
import { frameStream } from './frame-stream.ts'
import type { Libp2pNode } from './libp2p-node.ts'
import { createLibp2pNode } from './libp2p-node.ts'
import type { Addressed, Refusal, Tag } from './link-frames.ts'
import { decodeAddresses, decodeRefusal, encodeAddressesBody, encodeRefusalBody, TAG } from './link-frames.ts'
import type { Links } from './links.ts'
import { createLinks, peerOf } from './links.ts'
import type { Redial } from './redial.ts'
import { createRedial } from './redial.ts'
import type { Strangers } from './strangers.ts'
import { createStrangers, JOIN_TIMEOUT_MS, STRANGER_FRAME_BYTES_MAX } from './strangers.ts'
import type { Traffic } from './traffic.ts'
import { createTraffic } from './traffic.ts'

/** Who may link, as the trust root decides it. */
export type AdmissionPort = {
  /** Proof of this node's own membership, at most 8 kB. */
  hello(): Uint8Array
  /** All trust records, in parts of at most `bytesMax`. */
  news(bytesMax: number): Uint8Array[]
  admit(peer: PeerId, hello: Uint8Array): { ok: true } | ({ ok: false } & Refusal)
  isMember(peer: PeerId): boolean
  isRemoved(peer: PeerId): boolean
  guestsAllowed(): boolean
  /** Holds the join conversation; answers the code of the refusal, undefined where the guest is now a member. */
  join(peer: PeerId, remoteAddress: string, channel: JoinChannel): Promise<string | undefined>
}
export type JoinChannel = Pick<FrameStream, 'read'> & { write(frame: Uint8Array): Promise<void> }

export type MeshHostComponents = {
  identity: { peerId: PeerId; seed: Uint8Array }
  psk: Uint8Array
  mesh: string
  clock: Clock
  random: Random
  log: Log
  admission: AdmissionPort
  book: AddressBookComponents['store']
  /** Asked before each frame of a peer is handed on: a promise holds that peer back until it settles. */
  ready?: (peer: PeerId) => Promise<void> | undefined
}
export type MeshHostOptions = { listen: string[]; mdns?: boolean }

export type MeshHostEvents = {
  'peer-up': { peer: PeerId }
  'peer-down': { peer: PeerId }
  frame: { peer: PeerId; frame: Uint8Array }
  announcement: { from: PeerId; bytes: Uint8Array }
  /** A peer does not let this node in. */
  refused: { peer: PeerId } & Refusal
}

export type MeshHost = {
  self: PeerId
  start(): Promise<void>
  stop(): Promise<void>
  /** Where this node listens, with its peer ID. */
  addresses(): string[]
  /** Remembered addresses of a peer, without its peer ID. */
  addressesOf(peer: PeerId): string[]
  /** Admitted and linked. */
  peers(): PeerId[]
  roundTripMs(peer: PeerId): number | undefined
  /** A round trip that somebody measured over this link. */
  noteRoundTrip(peer: PeerId, ms: number): void
  /** False where the peer is not linked or its lane is full; a full control lane ends the link. */
  send(peer: PeerId, lane: Lane, frame: Uint8Array): boolean
  /** Tells all members by gossip; nothing may rely on its arrival. */
  announce(bytes: Uint8Array): void
  call(peer: PeerId, body: Uint8Array, options?: CallOptions): AsyncIterable<Uint8Array>
  onCall(handler: CallHandler): void
  /** Links with the peer at these addresses. Rejects with the peer's own refusal where it refuses. */
  dial(addresses: string[]): Promise<PeerId>
  hangUp(peer: PeerId): void
  /** Opens a join conversation, as a guest. */
  openJoin(addresses: string[]): Promise<JoinChannel & { close(): void }>
  /** The trust root changed: tells all linked peers, and ends links with those who are members no more. */
  helloAgain(): void
  events: Bus<MeshHostEvents>
  traffic(): Readonly<Traffic>
  /** How many were turned away at the door, by code. */
  refusedCounts(): Record<string, number>
}

/** Everything of a host that runs; made in one go so that its parts can refer to each other. */
type Parts = { node: Libp2pNode | undefined; links: Links; strangers: Strangers; book: AddressBook; redial: Redial; traffic: Traffic; events: Bus<MeshHostEvents>; onCall: CallHandler | undefined }

const NEWS_BYTES_MAX = FRAME_BYTES_MAX - 4096
/** How long a member that was just removed has to read why. */
const FAREWELL_MS = 500

export function createMeshHost(components: MeshHostComponents, options: MeshHostOptions): MeshHost {
  const { identity, clock, admission } = components
  const parts = createParts(components)
  const { links, strangers, book, redial, traffic, events } = parts
  const running = (): Libp2pNode => {
    if (parts.node !== undefined) return parts.node
    throw new NimbusError('mesh-stopped', 'The mesh host is not running.', { kind: 'unreachable' })
  }
  return {
    self: identity.peerId,
    events,
    async start() {
      await book.load()
      parts.node = await startNode(components, options, parts)
      redial.start()
    },
    async stop() {
      redial.stop()
      await book.flush()
      const { node } = parts
      parts.node = undefined
      await node?.stop()
    },
    addresses: () => running().getMultiaddrs().map(String),
    addressesOf: book.addressesOf,
    peers: links.up,
    roundTripMs: links.roundTripMs,
    noteRoundTrip: links.noteRoundTrip,
    send(peer, lane, frame) {
      if (frame.length > FRAME_BYTES_MAX) throw new NimbusError('frame-too-large', `A frame of ${frame.length} bytes is over the limit of ${FRAME_BYTES_MAX}.`)
      const sent = links.isUp(peer) && links.send(peer, lane, TAG.payload, frame)
      if (!sent) traffic.framesHeldBack++
      return sent
    },
    announce(bytes) {
      // Checked here, before publishing: a receiver over its limit would lose that direction of the link for good.
      if (bytes.length > GOSSIP_BYTES_MAX) throw new NimbusError('announcement-too-large', `An announcement of ${bytes.length} bytes is over the limit of ${GOSSIP_BYTES_MAX}.`)
      traffic.announcementsOut++
      const { log, mesh } = components
      running().services.pubsub.publish(topicOf(mesh), bytes).catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'announcement was not published'))
    },
    async *call(peer, body, callOptions = {}) {
      const connection = links.isUp(peer) ? connectionsOf(running(), peer)[0] : undefined
      if (connection === undefined) throw new NimbusError('not-linked', `${peer} is not linked with this node.`, { kind: 'unreachable' })
      yield* callOver(await connection.newStream(PROTOCOL.call), peer, body, callOptions, clock)
    },
    onCall(handler) {
      parts.onCall = handler
    },
    async dial(addresses) {
      const connection = await connect(running(), addresses, clock)
      const peer = peerOf(connection)
      await links.open(connection)
      book.learn(peer, addresses)
      return peer
    },
    hangUp: (peer) => links.drop(peer, new NimbusError('hung-up', `This node hung up on ${peer}.`)),
    async openJoin(addresses) {
      const connection = await connect(running(), addresses, clock)
      const stream = frameStream(await connection.newStream(PROTOCOL.join), STRANGER_FRAME_BYTES_MAX)
      const cancel = clock.after(JOIN_TIMEOUT_MS, () => stream.abort('the join conversation took too long'))
      return { read: stream.read, write: (frame) => stream.write(frame), close: () => (cancel(), stream.close()) }
    },
    helloAgain() {
      for (const peer of links.up()) {
        sendNews(parts, admission, peer)
        if (!admission.isMember(peer)) farewell(parts, clock, peer)
      }
    },
    traffic: () => traffic,
    refusedCounts: strangers.counts,
  }
}

function createParts({ identity, clock, random, log, admission, book: store, ready }: MeshHostComponents): Parts {
  const onError = (error: unknown): void => log.error({ reason: messageOf(error) }, 'mesh listener failed')
  const traffic = createTraffic()
  const strangers = createStrangers({ clock, isRemoved: admission.isRemoved })
  const book = createAddressBook({ clock, store, onError })
  const events = createBus<MeshHostEvents>(onError)
  const parts: Omit<Parts, 'links' | 'redial'> = { node: undefined, strangers, book, traffic, events, onCall: undefined }
  const links = createLinks({
    clock,
    log,
    hello: admission.hello,
    admit: admission.admit,
    async openStream(connection) {
      return frameStream(await connection.newStream(PROTOCOL.link), STRANGER_FRAME_BYTES_MAX)
    },
    hangUp(peer, except) {
      const reason = new Error('the link ended')
      for (const connection of parts.node === undefined ? [] : connectionsOf(parts.node, peer)) {
        if (connection !== except) connection.close().catch(() => connection.abort(reason))
      }
    },
    onUp(peer, connection) {
      void parts.node?.services.identify.identify(connection).catch((error: unknown) => log.debug({ peer, reason: messageOf(error) }, 'identify failed'))
      sendNews(full, admission, peer)
      tellAddresses(full, identity.peerId, peer)
      log.info({ peer }, 'link up')
      events.emit('peer-up', { peer })
    },
    onDown(peer) {
      redial.soon(peer)
      events.emit('peer-down', { peer })
    },
    onAdmitted: (peer) => strangers.admitted(peer),
    onRefused: (peer, refusal) => strangers.refused(peer, refusal.code),
    onFrame: (peer, tag, body) => receive(full, admission, ready, peer, tag, body),
    onSent(lane, bytes) {
      traffic.framesOut[lane]++
      traffic.bytesOut[lane] += bytes
    },
  })
  const redial = createRedial({
    clock,
    random,
    log,
    candidates: () => book.peers().filter((peer) => peer !== identity.peerId && admission.isMember(peer)),
    linked: links.up,
    async dial(peer) {
      if (parts.node === undefined) return
      await links.open(await connect(parts.node, book.addressesOf(peer).map((address) => `${address}/p2p/${peer}`), clock))
    },
  })
  const full: Parts = Object.assign(parts, { links, redial })
  return full
}

async function startNode({ identity, psk, mesh, clock, log, admission }: MeshHostComponents, { listen, mdns }: MeshHostOptions, parts: Parts): Promise<Libp2pNode> {
  const { strangers, links, events, book, traffic } = parts
  const topic = topicOf(mesh)
  const mdnsTag = mdns === true ? `nimbus-${mesh.slice(0, 16)}` : undefined
  const node = await createLibp2pNode({ seed: identity.seed, psk, listen, topic, mdnsTag, gater: strangers.gater, isMember: admission.isMember })
  const calls = createCallServer(clock)
  node.addEventListener('connection:open', ({ detail: connection }) => {
    const peer = peerOf(connection)
    if (connection.direction === 'inbound' && !links.isUp(peer)) strangers.arrived(connection, admission.isMember(peer))
  })
  node.addEventListener('peer:discovery', ({ detail }) => {
    const peer = detail.id.toString() as PeerId
    if (admission.isMember(peer)) book.learn(peer, detail.multiaddrs.map(String))
  })
  await node.handle(PROTOCOL.link, (stream, connection) => links.accept(frameStream(stream, STRANGER_FRAME_BYTES_MAX), connection), { maxInboundStreams: 4, maxOutboundStreams: 4 })
  await node.handle(
    PROTOCOL.call,
    (stream, connection) => {
      if (admission.isMember(peerOf(connection))) return calls.serve(stream, peerOf(connection), parts.onCall)
      stream.abort(new Error('calls are for members'))
    },
    { maxInboundStreams: 2 * CALLS_PER_PEER_MAX, maxOutboundStreams: 4 * CALLS_PER_PEER_MAX },
  )
  await node.handle(PROTOCOL.join, (stream, connection) => guest(frameStream(stream, STRANGER_FRAME_BYTES_MAX), connection, { clock, log, admission }, strangers), { maxInboundStreams: 1 })
  node.services.pubsub.addEventListener('message', ({ detail }) => {
    if (detail.topic !== topic || detail.type !== 'signed' || detail.data.length > GOSSIP_BYTES_MAX) return
    const from = detail.from.toString() as PeerId
    if (!admission.isMember(from)) return
    traffic.announcementsIn++
    events.emit('announcement', { from, bytes: detail.data })
  })
  await node.start()
  node.services.pubsub.subscribe(topic)
  return node
}

async function guest(stream: FrameStream, connection: Connection, { clock, log, admission }: Pick<MeshHostComponents, 'clock' | 'log' | 'admission'>, strangers: Strangers): Promise<void> {
  const peer = peerOf(connection)
  if (!admission.guestsAllowed()) return stream.abort('this node has given out no invites')
  strangers.joining(connection)
  const cancel = clock.after(JOIN_TIMEOUT_MS, () => stream.abort('the join conversation took too long'))
  try {
    const address = hostAndPort(connection.remoteAddr.toString())?.host ?? 'unknown'
    const refusal = await admission.join(peer, address, { read: stream.read, write: (frame) => stream.write(frame) })
    if (refusal !== undefined) strangers.refused(peer, refusal)
    stream.close()
  } catch (error) {
    log.info({ peer, reason: messageOf(error) }, 'join conversation broke off')
    stream.abort('the join conversation broke off')
  }
  cancel()
}

function receive(parts: Parts, admission: AdmissionPort, ready: MeshHostComponents['ready'], peer: PeerId, tag: Tag, body: Uint8Array): Promise<void> | undefined {
  const { traffic, events, book, links } = parts
  if (tag === TAG.payload) {
    traffic.framesIn++
    traffic.bytesIn += body.length
    events.emit('frame', { peer, frame: body })
    return ready?.(peer)
  }
  if (tag === TAG.hello) admission.admit(peer, body) // whom that ends a link with, `helloAgain` finds out
  if (tag === TAG.refused) {
    const refusal = decodeRefusal(body)
    events.emit('refused', { peer, ...refusal })
    links.drop(peer, new NimbusError(refusal.code, refusal.message, { kind: 'refused' }))
  }
  if (tag === TAG.addresses) {
    for (const [other, addresses] of decodeAddresses(body)) if (admission.isMember(other)) book.learn(other, addresses)
  }
  return undefined // a tag of a later version is skipped
}

function sendNews({ links }: Parts, admission: AdmissionPort, peer: PeerId): void {
  for (const part of admission.news(NEWS_BYTES_MAX)) links.send(peer, 'data', TAG.hello, part)
}

/** Tells a new peer where this node and its other peers are, and the others where the new one is. */
function tellAddresses({ node, links, book }: Parts, self: PeerId, peer: PeerId): void {
  if (node === undefined) return
  const others = links.up().filter((other) => other !== peer)
  const known: Addressed[] = others.map((other) => [other, book.addressesOf(other)])
  links.send(peer, 'control', TAG.addresses, encodeAddressesBody([[self, node.getMultiaddrs().map(String)], ...known]))
  const ofPeer = book.addressesOf(peer)
  for (const other of ofPeer.length > 0 ? others : []) links.send(other, 'control', TAG.addresses, encodeAddressesBody([[peer, ofPeer]]))
}

function farewell({ links, strangers }: Parts, clock: Clock, peer: PeerId): void {
  const refusal = { code: 'removed', message: 'This node was removed from the mesh.' }
  links.send(peer, 'control', TAG.refused, encodeRefusalBody(refusal))
  strangers.refused(peer, 'removed')
  clock.after(FAREWELL_MS, () => links.drop(peer, new NimbusError('removed', `${peer} is no member any more.`)))
}

function connectionsOf(node: Libp2pNode, peer: PeerId): Connection[] {
  return node.getConnections().filter((connection) => peerOf(connection) === peer && connection.status === 'open')
}
