// The one place that sets libp2p up. Every option differs from its default for a reason that was measured; see the
// comments. Nothing of Nimbus's own protocols is here.
import { noise } from '@chainsafe/libp2p-noise'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { GossipSub } from '@libp2p/gossipsub'
import { gossipsub } from '@libp2p/gossipsub'
import type { Identify } from '@libp2p/identify'
import { identify } from '@libp2p/identify'
import type { ConnectionGater, Libp2p } from '@libp2p/interface'
import type { mdns as Mdns } from '@libp2p/mdns'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { PeerId } from '../../protocols/ids.ts'
import { thriftyYamux } from './yamux-credit.ts'

/** Members and strangers together; the next one waits at the door of the operating system. With a keeper every member is linked. */
const CONNECTIONS_MAX = 1_100
/** One gossip RPC: the same on every node, because one over the receiver's limit silently ends that direction for good. */
const GOSSIP_RPC_BYTES_MAX = 1024 * 1024
/** Far below every threshold of gossipsub: whoever is no member hears nothing and is not listened to. */
const STRANGER_SCORE = -1e6

export type Libp2pOptions = {
  seed: Uint8Array
  psk: Uint8Array
  listen: string[]
  topic: string
  mdnsTag: string | undefined
  gater: ConnectionGater
  isMember: (peer: PeerId) => boolean
}

export type Libp2pNode = Libp2p<{ identify: Identify; pubsub: GossipSub }>
type PubsubComponents = Parameters<ReturnType<typeof gossipsub>>[0]

/** A node that is not started yet. */
export async function createLibp2pNode({ seed, psk, listen, topic, mdnsTag, gater, isMember }: Libp2pOptions): Promise<Libp2pNode> {
  return createLibp2p({
    start: false,
    nodeInfo: { userAgent: 'nimbus' },
    privateKey: await generateKeyPairFromSeed('Ed25519', seed),
    addresses: { listen },
    transports: [tcp()],
    connectionProtector: preSharedKey({ psk: swarmKey(psk) }),
    connectionEncrypters: [noise()],
    // The default window of 16 MiB is over the stream's read buffer of 4 MiB, so that a paused reader would be reset.
    streamMuxers: [thriftyYamux({ enableKeepAlive: false, streamOptions: { maxStreamWindowSize: 1024 * 1024 } })],
    connectionGater: gater,
    // Off: it aborts the connections of a node that is only busy. Membership probes find who hangs.
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: CONNECTIONS_MAX,
      inboundConnectionThreshold: 100, // the default of 5 a second turns a cluster that restarts away
      maxIncomingPendingConnections: 50,
      inboundUpgradeTimeout: 3000,
      reconnectRetries: 0, // our own redial loop does it
    },
    peerDiscovery: mdnsTag === undefined ? [] : [await discoverByMdns(mdnsTag)],
    services: {
      // Run by hand when a link is up: a stranger learns nothing, and gossip begins between admitted peers only.
      identify: identify({ runOnConnectionOpen: false }),
      pubsub: (components: PubsubComponents) => createPubsub(topic, isMember)(membersOnly(components, isMember)),
    },
  })
}

function createPubsub(topic: string, isMember: (peer: PeerId) => boolean): ReturnType<typeof gossipsub> {
  return gossipsub({
    globalSignaturePolicy: 'StrictSign',
    emitSelf: false,
    allowPublishToZeroTopicPeers: true, // a node alone in its mesh is no error
    allowedTopics: [topic],
    maxInboundDataLength: GOSSIP_RPC_BYTES_MAX,
    decodeRpcLimits: {
      maxSubscriptions: 64,
      maxMessages: 256,
      maxIhaveMessageIDs: 512,
      maxIwantMessageIDs: 512,
      maxIdontwantMessageIDs: 512,
      maxControlMessages: 256,
      maxPeerInfos: 0,
    },
    // Else every duplicate has its signature checked. The cache is filled after the check, so a forgery masks nothing.
    fastMsgIdFn: (message) => `${Buffer.from(message.from ?? []).toString('latin1')}${Buffer.from(message.seqno ?? []).toString('latin1')}`,
    pruneBackoff: 10_000,
    scoreParams: {
      IPColocationFactorWeight: 0, // else gossip stops, silently, with more than eleven peers behind one address
      appSpecificScore: (peer) => (isMember(peer as PeerId) ? 0 : STRANGER_SCORE),
      appSpecificWeight: 1,
    },
  })
}

/** Gossipsub with a registrar that hands it streams of members only. */
function membersOnly(components: PubsubComponents, isMember: (peer: PeerId) => boolean): PubsubComponents {
  const { registrar } = components
  const gated: Pick<typeof registrar, 'handle' | 'unhandle' | 'register' | 'unregister'> = {
    handle: (protocol, handler, options) =>
      registrar.handle(
        protocol,
        (stream, connection) => {
          if (isMember(connection.remotePeer.toString() as PeerId)) return handler(stream, connection)
          stream.abort(new Error('gossip is for members'))
        },
        options,
      ),
    unhandle: (protocol, options) => registrar.unhandle(protocol, options),
    register: (protocol, topology, options) => registrar.register(protocol, topology, options),
    unregister: (id) => registrar.unregister(id),
  }
  const { privateKey, peerId, peerStore, connectionManager, logger } = components
  return { privateKey, peerId, peerStore, connectionManager, logger, registrar: gated as typeof registrar }
}

/** Imported only where it is asked for: most nodes never announce themselves on their network. */
async function discoverByMdns(tag: string): Promise<ReturnType<typeof Mdns>> {
  const { mdns } = await import('@libp2p/mdns')
  return mdns({ serviceTag: tag })
}

function swarmKey(psk: Uint8Array): Uint8Array {
  return Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(psk).toString('hex')}`)
}
