// One process of plain libp2p with gossipsub at its defaults, steered over IPC: what Nimbus is compared with. As a mesh
// of its own it says when it published and when it heard, on the machine's monotonic line.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { nowMs } from './figures.ts'

export type GossipOrder = { dial: string[] } | { publish: number }
export type GossipReport =
  | { listening: string[] }
  | { peers: number }
  | { published: number; atMs: number }
  | { heard: number; atMs: number }

const TOPIC = 'bench'
/** About what a block with one small task weighs. */
const PAYLOAD_BYTES = 256

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, scoreParams: { IPColocationFactorWeight: 0 } }),
  },
})
const { pubsub } = node.services
const tell = (report: GossipReport): void => void process.send?.(report)

pubsub.addEventListener('message', ({ detail }) => {
  if (detail.topic === TOPIC) tell({ heard: Buffer.from(detail.data).readUInt32BE(), atMs: nowMs() })
})
pubsub.addEventListener('subscription-change', () => tell({ peers: pubsub.getSubscribers(TOPIC).length }))
pubsub.subscribe(TOPIC)

process.on('message', (order: GossipOrder) => {
  if ('dial' in order) void node.dial(order.dial.map((address) => multiaddr(address)))
  else {
    const data = Buffer.alloc(PAYLOAD_BYTES)
    data.writeUInt32BE(order.publish)
    tell({ published: order.publish, atMs: nowMs() })
    void pubsub.publish(TOPIC, data)
  }
})
process.on('disconnect', () => process.exit(0))
tell({ listening: node.getMultiaddrs().map(String) })
