// The doors of a running host: which protocol of ours goes where, and who may come through. Each handler is a border:
// a peer can end its own stream or connection here, and nothing else.
import type { Connection } from '@libp2p/interface'
import { topicOf } from '../../protocols/gossip.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { GOSSIP_BYTES_MAX } from '../../protocols/limits.ts'
import { PROTOCOL } from '../../protocols/streams.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import { hostAndPort } from './address-book.ts'
import type { MeshHostComponents, Parts } from './host-parts.ts'
import type { Libp2pNode } from './libp2p-node.ts'
import { createLibp2pNode } from './libp2p-node.ts'
import { CALLS_PER_PEER_MAX, createCallServer } from './link/calls.ts'
import { createPipeServer, PIPES_PER_PEER_MAX } from './link/pipes.ts'
import type { FrameStream } from './link/frame-stream.ts'
import { frameStream } from './link/frame-stream.ts'
import { peerOf } from './link/links.ts'
import type { Strangers } from './strangers.ts'
import { JOIN_TIMEOUT_MS, STRANGER_FRAME_BYTES_MAX } from './strangers.ts'

export type MeshHostOptions = { listen: string[]; mdns?: boolean }

/** Sets libp2p up, opens the doors and starts it. */
export async function startNode(
  { identity, psk, mesh, clock, log, admission }: MeshHostComponents,
  { listen, mdns }: MeshHostOptions,
  parts: Parts,
): Promise<Libp2pNode> {
  const { strangers, links, events, book, traffic } = parts
  const topic = topicOf(mesh)
  const mdnsTag = mdns === true ? `nimbus-${mesh.slice(0, 16)}` : undefined
  const node = await createLibp2pNode({
    seed: identity.seed,
    psk,
    listen,
    topic,
    mdnsTag,
    gater: strangers.gater,
    isMember: admission.isMember,
  })
  const calls = createCallServer(clock)
  const pipes = createPipeServer(clock)
  node.addEventListener('connection:open', ({ detail: connection }) => {
    const peer = peerOf(connection)
    if (connection.direction === 'inbound' && !links.isUp(peer)) strangers.arrived(connection, admission.isMember(peer))
  })
  node.addEventListener('peer:discovery', ({ detail }) => {
    const peer = detail.id.toString() as PeerId
    if (admission.isMember(peer)) book.learn(peer, detail.multiaddrs.map(String))
  })
  await node.handle(PROTOCOL.link, (stream, connection) => links.accept(frameStream(stream, STRANGER_FRAME_BYTES_MAX), connection), {
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
  })
  await node.handle(
    PROTOCOL.call,
    (stream, connection) => {
      if (admission.isMember(peerOf(connection))) return calls.serve(stream, peerOf(connection), parts.onCall)
      stream.abort(new Error('calls are for members'))
    },
    { maxInboundStreams: 2 * CALLS_PER_PEER_MAX, maxOutboundStreams: 4 * CALLS_PER_PEER_MAX },
  )
  await node.handle(
    PROTOCOL.pipe,
    (stream, connection) => {
      if (admission.isMember(peerOf(connection))) return pipes.serve(stream, peerOf(connection), parts.onPipe)
      stream.abort(new Error('pipes are for members'))
    },
    { maxInboundStreams: 2 * PIPES_PER_PEER_MAX, maxOutboundStreams: 4 * PIPES_PER_PEER_MAX },
  )
  await node.handle(
    PROTOCOL.join,
    (stream, connection) => guest(frameStream(stream, STRANGER_FRAME_BYTES_MAX), connection, { clock, log, admission }, strangers),
    { maxInboundStreams: 1 },
  )
  node.services.pubsub.addEventListener('message', ({ detail }) => {
    if (detail.topic !== topic || detail.type !== 'signed' || detail.data.length > GOSSIP_BYTES_MAX) return
    const from = detail.from.toString() as PeerId
    if (!admission.isMember(from)) return
    traffic.announcementsIn++
    events.emit('announcement', { from, bytes: detail.data })
  })
  try {
    await node.start()
  } catch (error) {
    throw cannotListen(error)
  }
  node.services.pubsub.subscribe(topic)
  return node
}

/** libp2p tells every address that failed, with stacks; the first one is enough to act on. */
function cannotListen(error: unknown): unknown {
  const [, address, code] = /(\/\S+): .*?(EADDRINUSE|EACCES|EADDRNOTAVAIL)/s.exec(error instanceof Error ? error.message : '') ?? []
  if (address === undefined) return error
  const because =
    code === 'EADDRINUSE'
      ? 'that port is in use by another program'
      : code === 'EACCES'
        ? 'this user may not listen there'
        : 'this machine has no such address'
  return new NimbusError('cannot-listen', `Cannot listen for other nodes on ${address}, because ${because}.`, {
    kind: code === 'EACCES' ? 'refused' : 'failed',
    cure: 'Is a node running there already (nimbus status)? Otherwise choose another: --listen /ip4/0.0.0.0/tcp/0 takes a free port.',
    cause: error,
  })
}

async function guest(
  stream: FrameStream,
  connection: Connection,
  { clock, log, admission }: Pick<MeshHostComponents, 'clock' | 'log' | 'admission'>,
  strangers: Strangers,
): Promise<void> {
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
