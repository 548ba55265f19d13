// Hostile peers: a raw libp2p node that holds the pre-shared key and follows no rule of ours.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { GossipSub } from '@libp2p/gossipsub'
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, onTestFinished, test } from 'vitest'
import { topicOf } from '../../../protocols/gossip.ts'
import { PROTOCOL } from '../../../protocols/streams.ts'
import type { Member } from './support.ts'
import { bytesOf, certifiedMember, createMember, until } from './support.ts'

const psk = new Uint8Array(32).fill(8)

async function rawNode(): Promise<Libp2p<{ pubsub: GossipSub }>> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionProtector: preSharedKey({ psk: Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(psk).toString('hex')}`) }),
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: true }) },
  })
  onTestFinished(() => node.stop())
  return node
}

async function linkedMembers(): Promise<[Member, Member]> {
  const founder = await createMember({ psk })
  const member = await certifiedMember(founder, psk, 'box')
  await member.host.dial(founder.host.addresses())
  await until(() => founder.host.peers().length === 1, 'linked')
  return [founder, member]
}

test('a stranger with the key neither hears gossip nor is heard, and loses its connection', async () => {
  const [founder, member] = await linkedMembers()
  const topic = topicOf(founder.trust.mesh())
  const stranger = await rawNode()
  const heard: string[] = []
  const heardByFounder: string[] = []
  stranger.services.pubsub.addEventListener('message', () => heard.push('something'))
  founder.host.events.on('announcement', ({ from }) => heardByFounder.push(from))
  stranger.services.pubsub.subscribe(topic)
  await stranger.dial(founder.host.addresses().map((address) => multiaddr(address)))
  let closed = false
  stranger.addEventListener('connection:close', () => {
    closed = true
  })
  while (!closed) {
    member.host.announce(bytesOf('secret'))
    founder.host.announce(bytesOf('secret'))
    await stranger.services.pubsub.publish(topic, bytesOf('lies'))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(heard).toEqual([])
  expect(new Set(heardByFounder)).toEqual(new Set([member.host.self]))
  expect(founder.host.refusedCounts()).toMatchObject({ timeout: 1 })
}, 15_000)

test('calls of a stranger are not answered', async () => {
  const founder = await createMember({ psk })
  founder.host.onCall(async function* () {
    yield bytesOf('secret')
  })
  const stranger = await rawNode()
  const connection = await stranger.dial(founder.host.addresses().map((address) => multiaddr(address)))
  const stream = await connection.newStream(PROTOCOL.call)
  let bytes = 0
  stream.addEventListener('message', (event) => {
    bytes += event.data.byteLength
  })
  if (stream.status === 'open') stream.send(Uint8Array.of(0, 0, 0, 1, 65))
  await until(() => stream.status !== 'open', 'the stream is ended')
  expect(bytes).toBe(0)
})

test.each([
  ['a length of 4 GiB', Uint8Array.of(255, 255, 255, 255)],
  ['a length just over the limit of strangers', Uint8Array.of(0, 0, 32, 1)],
  ['no hello but a payload', Uint8Array.of(0, 0, 0, 2, 3, 3)],
  ['an empty frame', Uint8Array.of(0, 0, 0, 0)],
  ['a hello that is no CBOR', Uint8Array.of(0, 0, 0, 3, 1, 255, 255)],
  ['half a hello and then silence', Uint8Array.of(0, 0, 0, 30, 1)],
])(
  'a first frame with %s ends the stream and nothing else',
  async (_, bytes) => {
    const [founder] = await linkedMembers()
    const stranger = await rawNode()
    const connection = await stranger.dial(founder.host.addresses().map((address) => multiaddr(address)))
    const stream = await connection.newStream(PROTOCOL.link)
    const ended = new Promise((resolve) => {
      stream.addEventListener('close', resolve)
      stream.addEventListener('remoteCloseWrite', resolve)
    })
    stream.send(bytes)
    await ended
    expect(founder.host.peers()).toHaveLength(1)
  },
  15_000,
)
