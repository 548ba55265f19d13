// The parts of a mesh host and how they are joined: links, the door, the address book, redialling, counters. It makes
// them in one go so that they can refer to each other; starting libp2p and the host's own surface are elsewhere.
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '../../protocols/ids.ts'
import { FRAME_BYTES_MAX } from '../../protocols/limits.ts'
import type { Lane } from '../../protocols/streams.ts'
import { PROTOCOL } from '../../protocols/streams.ts'
import type { Bus } from '../kernel/bus.ts'
import { createBus } from '../kernel/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { AddressBook, AddressBookComponents } from './address-book.ts'
import { createAddressBook } from './address-book.ts'
import { connect } from './dialing.ts'
import type { Libp2pNode } from './libp2p-node.ts'
import type { CallHandler } from './link/calls.ts'
import type { PipeHandler } from './link/pipes.ts'
import type { FrameStream } from './link/frame-stream.ts'
import { frameStream } from './link/frame-stream.ts'
import type { Addressed, Refusal, Tag } from './link/link-frames.ts'
import { decodeAddresses, decodeRefusal, encodeAddressesBody, encodeRefusalBody, TAG } from './link/link-frames.ts'
import type { Links } from './link/links.ts'
import { createLinks, peerOf } from './link/links.ts'
import type { Redial } from './redial.ts'
import { createRedial } from './redial.ts'
import type { Strangers } from './strangers.ts'
import { createStrangers, STRANGER_FRAME_BYTES_MAX } from './strangers.ts'

/** Bytes of trust records in one frame. */
const NEWS_BYTES_MAX = FRAME_BYTES_MAX - 4096
/** Members whose addresses a new link is told: one frame of them. */
const ADDRESSES_TOLD_MAX = 1_000
/** How long a member that was just removed has to read why. */
const FAREWELL_MS = 500

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
  /** Members that should be linked; all of them where it is not said. */
  wanted?(): readonly PeerId[]
  /** Asked before each frame of a peer is handed on: a promise holds that peer back until it settles. */
  ready?: (peer: PeerId) => Promise<void> | undefined
}
export type MeshHostEvents = {
  'peer-up': { peer: PeerId }
  'peer-down': { peer: PeerId }
  frame: { peer: PeerId; frame: Uint8Array }
  announcement: { from: PeerId; bytes: Uint8Array }
  /** A peer does not let this node in. */
  refused: { peer: PeerId } & Refusal
}

/** What crossed the host, for metrics; what came in is not told apart by lane. */
export type Traffic = {
  framesOut: Record<Lane, number>
  bytesOut: Record<Lane, number>
  framesIn: number
  bytesIn: number
  announcementsIn: number
  announcementsOut: number
  /** Frames that `send` did not take: no link, or its lane was full. */
  framesHeldBack: number
}

export type Parts = {
  /** Set while the host runs. */
  node: Libp2pNode | undefined
  links: Links
  strangers: Strangers
  book: AddressBook
  redial: Redial
  traffic: Traffic
  events: Bus<MeshHostEvents>
  onCall: CallHandler | undefined
  onPipe: PipeHandler | undefined
}

export function createParts(components: MeshHostComponents): Parts {
  const { identity, clock, random, log, admission, book: store, ready } = components
  const onError = (error: unknown): void => log.error({ reason: messageOf(error) }, 'mesh listener failed')
  const traffic = createTraffic()
  const strangers = createStrangers({ clock, isRemoved: admission.isRemoved })
  const book = createAddressBook({ clock, store, onError })
  const events = createBus<MeshHostEvents>(onError)
  const parts: Omit<Parts, 'links' | 'redial'> = { node: undefined, strangers, book, traffic, events, onCall: undefined, onPipe: undefined }
  const links = createLinks({
    clock,
    log,
    hello: admission.hello,
    admit: admission.admit,
    async openStream(connection) {
      return frameStream(await connection.newStream(PROTOCOL.link), STRANGER_FRAME_BYTES_MAX)
    },
    hangUp(peer, except) {
      for (const connection of parts.node === undefined ? [] : connectionsOf(parts.node, peer)) {
        if (connection === except) continue
        const abort = (): void => connection.abort(new Error('the link ended'))
        // Where a new link waits, the old connection goes at once: gossip would hold on to its stream there until it is closed.
        if (except !== undefined) abort()
        else connection.close().catch(abort)
      }
    },
    onUp(peer, connection) {
      void parts.node?.services.identify
        .identify(connection)
        .catch((error: unknown) => log.debug({ peer, reason: messageOf(error) }, 'identify failed'))
      sendNews(full, admission, peer)
      tellAddresses(full, identity.peerId, peer)
      log.info({ peer }, 'link up')
      redial.wake()
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
    candidates() {
      const wanted = new Set(components.wanted?.())
      return book
        .peers()
        .filter((peer) => peer !== identity.peerId && (components.wanted === undefined || wanted.has(peer)) && admission.isMember(peer))
    },
    linked: links.up,
    async dial(peer) {
      if (parts.node === undefined) return
      await links.open(
        await connect(
          parts.node,
          book.addressesOf(peer).map((address) => `${address}/p2p/${peer}`),
          clock,
        ),
      )
    },
  })
  const full: Parts = Object.assign(parts, { links, redial })
  return full
}

function receive(
  parts: Parts,
  admission: AdmissionPort,
  ready: MeshHostComponents['ready'],
  peer: PeerId,
  tag: Tag,
  body: Uint8Array,
): Promise<void> | undefined {
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
    for (const [other, addresses] of decodeAddresses(body)) {
      if (!admission.isMember(other) || !book.learn(other, addresses)) continue
      // What a peer says of itself is news for the others; what it says of a third they hear from that one.
      if (other === peer)
        for (const third of links.up())
          if (third !== peer) links.send(third, 'data', TAG.addresses, encodeAddressesBody([[peer, addresses]]))
    }
    parts.redial.step()
  }
  return undefined // a tag of a later version is skipped
}

export function sendNews({ links }: Parts, admission: AdmissionPort, peer: PeerId): void {
  for (const part of admission.news(NEWS_BYTES_MAX)) links.send(peer, 'data', TAG.hello, part)
}

/** Tells a new peer where this node and its other peers are. */
function tellAddresses({ node, links, book }: Parts, self: PeerId, peer: PeerId): void {
  if (node === undefined) return
  const others = links
    .up()
    .filter((other) => other !== peer)
    .slice(0, ADDRESSES_TOLD_MAX)
  const known: Addressed[] = others.map((other) => [other, book.addressesOf(other)])
  // In the lane of the news, and after it: an address counts only for somebody who is known to be a member.
  links.send(peer, 'data', TAG.addresses, encodeAddressesBody([[self, node.getMultiaddrs().map(String)], ...known]))
}

/** Ends the link with a member that is one no more, and gives it a moment to read why. */
export function farewell({ links, strangers }: Parts, clock: Clock, peer: PeerId): void {
  const refusal = { code: 'removed', message: 'This node was removed from the mesh.' }
  links.send(peer, 'control', TAG.refused, encodeRefusalBody(refusal))
  strangers.refused(peer, 'removed')
  clock.after(FAREWELL_MS, () => links.drop(peer, new NimbusError('removed', `${peer} is no member any more.`)))
}

/** The open connections of a peer. */
export function connectionsOf(node: Libp2pNode, peer: PeerId): Connection[] {
  return node.getConnections().filter((connection) => peerOf(connection) === peer && connection.status === 'open')
}

function createTraffic(): Traffic {
  const lanes = (): Record<Lane, number> => ({ control: 0, data: 0, bulk: 0 })
  return { framesOut: lanes(), bytesOut: lanes(), framesIn: 0, bytesIn: 0, announcementsIn: 0, announcementsOut: 0, framesHeldBack: 0 }
}
