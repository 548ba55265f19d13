// The mesh host: libp2p, links, calls and gossip between admitted members. It knows bytes and members, never what
// the bytes say; who is a member is the admission port's word.
import type { Connection } from '@libp2p/interface'
import { topicOf } from '../../protocols/gossip.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { FRAME_BYTES_MAX, GOSSIP_BYTES_MAX } from '../../protocols/limits.ts'
import type { Lane } from '../../protocols/streams.ts'
import { PROTOCOL } from '../../protocols/streams.ts'
import type { Bus } from '../kernel/bus.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import { connect } from './dialing.ts'
import type { MeshHostOptions } from './doors.ts'
import { startNode } from './doors.ts'
import type { JoinChannel, MeshHostComponents, MeshHostEvents, Traffic } from './host-parts.ts'
import { connectionsOf, createParts, farewell, sendNews } from './host-parts.ts'
import type { Libp2pNode } from './libp2p-node.ts'
import type { CallHandler, CallOptions } from './link/calls.ts'
import { callOver } from './link/calls.ts'
import type { Pipe, PipeHandler } from './link/pipes.ts'
import { openPipe } from './link/pipes.ts'
import { frameStream } from './link/frame-stream.ts'
import { TAG } from './link/link-frames.ts'
import { peerOf } from './link/links.ts'
import { JOIN_TIMEOUT_MS, STRANGER_FRAME_BYTES_MAX } from './strangers.ts'

export type { MeshHostOptions } from './doors.ts'
export type { JoinChannel, MeshHostComponents, MeshHostEvents, Traffic } from './host-parts.ts'

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
  /** Bytes both ways with a peer. Rejects with the peer's own refusal. */
  pipe(peer: PeerId, body: Uint8Array): Promise<Pipe>
  onPipe(handler: PipeHandler): void
  /** Links with the peer at these addresses. Rejects with the peer's own refusal where it refuses. */
  dial(addresses: string[]): Promise<PeerId>
  hangUp(peer: PeerId): void
  /** Ends the link with a peer that is silent, without waiting for a word from it; it is dialled again. */
  cutOff(peer: PeerId): void
  /** Opens a join conversation, as a guest. */
  openJoin(addresses: string[]): Promise<JoinChannel & { close(): void }>
  /** The trust root changed: tells all linked peers, and ends links with those who are members no more. */
  helloAgain(): void
  events: Bus<MeshHostEvents>
  traffic(): Readonly<Traffic>
  /** How many were turned away at the door, by code. */
  refusedCounts(): Record<string, number>
}

export function createMeshHost(components: MeshHostComponents, options: MeshHostOptions): MeshHost {
  const { identity, clock, admission } = components
  const parts = createParts(components)
  const { links, strangers, book, redial, traffic, events } = parts
  const running = (): Libp2pNode => {
    if (parts.node !== undefined) return parts.node
    throw new NimbusError('mesh-stopped', 'The mesh host is not running.', { kind: 'unreachable' })
  }
  const linked = (peer: PeerId): Connection => {
    const connection = links.isUp(peer) ? connectionsOf(running(), peer)[0] : undefined
    if (connection !== undefined) return connection
    throw new NimbusError('not-linked', `${peer} is not linked with this node.`, { kind: 'unreachable' })
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
      if (frame.length > FRAME_BYTES_MAX)
        throw new NimbusError('frame-too-large', `A frame of ${frame.length} bytes is over the limit of ${FRAME_BYTES_MAX}.`)
      const sent = links.isUp(peer) && links.send(peer, lane, TAG.payload, frame)
      if (!sent) traffic.framesHeldBack++
      return sent
    },
    announce(bytes) {
      // Checked here, before publishing: a receiver over its limit would lose that direction of the link for good.
      if (bytes.length > GOSSIP_BYTES_MAX)
        throw new NimbusError(
          'announcement-too-large',
          `An announcement of ${bytes.length} bytes is over the limit of ${GOSSIP_BYTES_MAX}.`,
        )
      traffic.announcementsOut++
      const { log, mesh } = components
      running()
        .services.pubsub.publish(topicOf(mesh), bytes)
        .catch((error: unknown) => log.debug({ reason: messageOf(error) }, 'announcement was not published'))
    },
    async *call(peer, body, callOptions = {}) {
      yield* callOver(await linked(peer).newStream(PROTOCOL.call), peer, body, callOptions, clock)
    },
    onCall(handler) {
      parts.onCall = handler
    },
    pipe: async (peer, body) => openPipe(await linked(peer).newStream(PROTOCOL.pipe), peer, body, clock),
    onPipe(handler) {
      parts.onPipe = handler
    },
    async dial(addresses) {
      const connection = await connect(running(), addresses, clock)
      const peer = peerOf(connection)
      await links.open(connection)
      book.learn(peer, addresses)
      return peer
    },
    hangUp: (peer) => links.drop(peer, new NimbusError('hung-up', `This node hung up on ${peer}.`)),
    cutOff(peer) {
      for (const connection of connectionsOf(running(), peer)) connection.abort(new Error('the link was silent'))
      links.drop(peer, new NimbusError('link-silent', `Nothing comes from ${peer} any more.`, { kind: 'unreachable' }))
    },
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
