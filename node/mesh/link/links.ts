// Links: for each admitted peer one long-lived stream a direction. The opener of a stream says hello and waits for
// the welcome; a link is up when both directions stand, and it goes down as a whole when either of them ends.
import type { Connection } from '@libp2p/interface'
import type { PeerId } from '../../../protocols/ids.ts'
import { FRAME_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Lane } from '../../../protocols/streams.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import type { FrameStream } from './frame-stream.ts'
import type { LaneQueue } from './lane-queue.ts'
import { createLaneQueue } from './lane-queue.ts'
import type { Refusal, Tag } from './link-frames.ts'
import { decodeRefusal, encodeRefusalBody, TAG, tagged } from './link-frames.ts'
import { HELLO_TIMEOUT_MS } from '../strangers.ts'

/** Bytes handed to a stream at once: large enough to share one encryption, small enough for control to overtake soon. */
const BATCH_BYTES = 64 * 1024

export type LinksComponents = {
  clock: Pick<Clock, 'nowMs' | 'after'>
  log: Log
  hello(): Uint8Array
  admit(peer: PeerId, hello: Uint8Array): { ok: true } | ({ ok: false } & Refusal)
  openStream(connection: Connection): Promise<FrameStream>
  /** Closes the peer's connections, except one that a new link already uses. */
  hangUp(peer: PeerId, except: Connection | undefined): void
  onUp(peer: PeerId, connection: Connection): void
  onDown(peer: PeerId): void
  onAdmitted(peer: PeerId, connection: Connection): void
  onRefused(peer: PeerId, refusal: Refusal): void
  /** A promise that it answers is waited for before the next frame is read. */
  onFrame(peer: PeerId, tag: Tag, body: Uint8Array): Promise<void> | undefined
  onSent(lane: Lane, bytes: number): void
}

type Link = {
  peer: PeerId
  opening?: Promise<void>
  outgoing?: FrameStream
  incoming?: FrameStream
  queue: LaneQueue
  pumping: boolean
  up: boolean
  roundTripMs: number | undefined
  /** Settled when the link is up, or when it ends before that. */
  ready: PromiseWithResolvers<void>
}

export type Links = {
  /** Brings a link up over a connection that this node opened. Rejects with the peer's refusal where it refuses. */
  open(connection: Connection): Promise<void>
  /** A stream that the other side opened. */
  accept(stream: FrameStream, connection: Connection): Promise<void>
  send(peer: PeerId, lane: Lane, tag: Tag, body: Uint8Array): boolean
  drop(peer: PeerId, reason: NimbusError): void
  up(): PeerId[]
  isUp(peer: PeerId): boolean
  roundTripMs(peer: PeerId): number | undefined
  noteRoundTrip(peer: PeerId, ms: number): void
}

export function createLinks(components: LinksComponents): Links {
  const { clock, log } = components
  const links = new Map<PeerId, Link>() // bounded by the connections that the host allows

  const linkOf = (peer: PeerId): Link => {
    const known = links.get(peer)
    if (known !== undefined) return known
    const link: Link = {
      peer,
      queue: createLaneQueue(),
      pumping: false,
      up: false,
      roundTripMs: undefined,
      ready: Promise.withResolvers<void>(),
    }
    link.ready.promise.catch(() => {}) // whoever waits hears it; nobody has to wait
    links.set(peer, link)
    return link
  }
  const isCurrent = (link: Link): boolean => links.get(link.peer) === link

  const end = (link: Link, reason: NimbusError, except?: Connection): void => {
    if (!isCurrent(link)) return
    links.delete(link.peer)
    link.outgoing?.abort(reason.message)
    link.incoming?.abort(reason.message)
    components.hangUp(link.peer, except)
    link.ready.reject(reason)
    log.info({ peer: link.peer, code: reason.code, reason: reason.message }, 'link ended')
    if (link.up) components.onDown(link.peer)
  }
  const broken = (link: Link, why: string): void =>
    end(link, new NimbusError('link-broken', `The link with ${link.peer} ended because ${why}.`, { kind: 'unreachable' }))

  const standsNow = (link: Link, connection: Connection): void => {
    if (link.up || !isCurrent(link) || link.outgoing === undefined || link.incoming === undefined) return
    link.up = true
    components.onUp(link.peer, connection)
    link.ready.resolve()
  }

  const openOutgoing = async (link: Link, connection: Connection): Promise<void> => {
    const stream = await components.openStream(connection)
    const startedAt = clock.nowMs()
    await stream.write(tagged(TAG.hello, components.hello()))
    const answer = await within(clock, HELLO_TIMEOUT_MS, stream)
    if (answer[0] !== TAG.welcome) throw refusalOf(answer)
    if (!isCurrent(link)) return stream.abort('this link was replaced')
    link.roundTripMs = clock.nowMs() - startedAt
    link.outgoing = stream
    stream.onClose(() => broken(link, 'its outgoing stream closed'))
    standsNow(link, connection)
  }
  const ensureOutgoing = (link: Link, connection: Connection): void => {
    if (link.outgoing !== undefined || link.opening !== undefined) return
    link.opening = openOutgoing(link, connection).catch((error: unknown) => {
      if (error instanceof NimbusError) end(link, error)
      else broken(link, messageOf(error))
    })
  }

  const admitted = async (link: Link, stream: FrameStream, connection: Connection): Promise<void> => {
    stream.allow(FRAME_BYTES_MAX + 1)
    await stream.write(tagged(TAG.welcome))
    link.incoming = stream
    stream.onClose(() => broken(link, 'its incoming stream closed'))
    ensureOutgoing(link, connection)
    standsNow(link, connection)
    for (let frame = await stream.read(); frame !== undefined; frame = await stream.read()) {
      const handled = components.onFrame(link.peer, frame[0] as Tag, frame.subarray(1))
      if (handled !== undefined) await handled
    }
  }

  const pump = async (link: Link): Promise<void> => {
    if (link.pumping || link.outgoing === undefined) return
    link.pumping = true
    await Promise.resolve() // what is sent in the same turn goes out together
    try {
      while (!link.queue.isEmpty() && isCurrent(link)) {
        const batch = link.queue.take(BATCH_BYTES)
        for (const { lane, frame } of batch) components.onSent(lane, frame.length)
        await link.outgoing.write(...batch.map((item) => item.frame))
      }
    } catch (error) {
      broken(link, messageOf(error))
    }
    link.pumping = false
  }

  return {
    async open(connection) {
      const link = linkOf(peerOf(connection))
      ensureOutgoing(link, connection)
      const cancel = clock.after(2 * HELLO_TIMEOUT_MS, () => link.up || broken(link, 'it did not come up in time'))
      await link.ready.promise.finally(cancel)
    },
    async accept(stream, connection) {
      const peer = peerOf(connection)
      try {
        const hello = await within(clock, HELLO_TIMEOUT_MS, stream)
        const verdict =
          hello[0] === TAG.hello
            ? components.admit(peer, hello.subarray(1))
            : { ok: false as const, code: 'not-a-member', message: 'The first frame was no hello.' }
        if (!verdict.ok) return await refuse(peer, stream, verdict, components, links.get(peer)?.ready)
        components.onAdmitted(peer, connection)
        const before = links.get(peer)
        // A second stream of a peer means that it has forgotten the first: it restarted, and the newest one is the live one.
        if (before?.incoming !== undefined) end(before, new NimbusError('link-replaced', `${peer} opened a new link.`), connection)
        await admitted(linkOf(peer), stream, connection)
      } catch (error) {
        log.debug({ peer, reason: messageOf(error) }, 'incoming link broke')
        stream.abort(messageOf(error))
      }
    },
    send(peer, lane, tag, body) {
      const link = links.get(peer)
      if (link?.outgoing === undefined) return false
      const kept = link.queue.push(lane, tagged(tag, body))
      if (!kept && lane === 'control') broken(link, 'its control lane is full: the peer takes nothing any more')
      if (kept) void pump(link)
      return kept
    },
    drop(peer, reason) {
      const link = links.get(peer)
      if (link === undefined) components.hangUp(peer, undefined)
      else end(link, reason)
    },
    up: () => [...links.values()].filter((link) => link.up).map((link) => link.peer),
    isUp: (peer) => links.get(peer)?.up === true,
    roundTripMs: (peer) => links.get(peer)?.roundTripMs,
    noteRoundTrip(peer, ms) {
      const link = links.get(peer)
      if (link !== undefined) link.roundTripMs = link.roundTripMs === undefined ? ms : link.roundTripMs * 0.8 + ms * 0.2
    },
  }
}

export function peerOf(connection: Connection): PeerId {
  return connection.remotePeer.toString() as PeerId
}

async function refuse(
  peer: PeerId,
  stream: FrameStream,
  refusal: Refusal,
  components: LinksComponents,
  waiting: PromiseWithResolvers<void> | undefined,
): Promise<void> {
  components.onRefused(peer, refusal)
  waiting?.reject(refusalOf(tagged(TAG.refused, encodeRefusalBody(refusal))))
  await stream.write(tagged(TAG.refused, encodeRefusalBody(refusal)))
  stream.close()
  // The other side hangs up when it has read why; if it does not, the door's time limit closes the connection.
}

function refusalOf(frame: Uint8Array): NimbusError {
  const { code, message } = decodeRefusal(frame[0] === TAG.refused ? frame.subarray(1) : new Uint8Array())
  return new NimbusError(code, message, { kind: 'refused' })
}

/** The next frame of a stream; a peer that is silent for longer loses the stream. */
async function within(clock: Pick<Clock, 'after'>, timeMs: number, stream: FrameStream): Promise<Uint8Array> {
  const cancel = clock.after(timeMs, () => stream.abort(`no answer within ${timeMs} ms`))
  const frame = await stream.read().finally(cancel)
  if (frame === undefined) throw new Error('the other side closed the stream')
  return frame
}
