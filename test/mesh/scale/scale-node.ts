// One node of the large simulator: overlay and replica as they are, on links that take time to dial and a disk that only
// takes time. What is above replication is handed in, where a run needs it.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Block } from '../../../protocols/blocks.ts'
import type { LinkMessage } from '../../../protocols/streams.ts'
import { createHlc } from '../../../node/kernel/hlc.ts'
import { repeat } from '../../../node/kernel/clock.ts'
import { createOverlay } from '../../../node/mesh/overlay/overlay.ts'
import { createBlockStore } from '../../../node/replication/block-store.ts'
import { createReplica } from '../../../node/replication/replica.ts'
import { frameValue } from '../../../node/store/checked-value.ts'
import { createMemoryDatabase } from '../../../node/store/memory-database.ts'
import { fakeSign } from '../parts/fake-identity.ts'
import type { ScaleNode, ScaleWorld } from './parts.ts'

const REDIAL_MS = 250
const DISK_MS = 1

export function createScaleNode(world: ScaleWorld, peer: PeerId): ScaleNode {
  const { clock, random } = world
  const links = new Set<PeerId>()
  const dialling = new Set<PeerId>()
  const database = createMemoryDatabase()
  const others = world.peers.filter((other) => other !== peer)
  const send = (to: PeerId, message: LinkMessage): boolean => links.has(to) && world.send(peer, to, message)
  const overlay = createOverlay({
    self: peer,
    clock,
    random,
    members: () => others,
    living: () => (world.dead === 0 ? others : others.filter((other) => world.node(other).up)),
    linked: () => [...links],
    hubs: () => world.hubs,
    roundTripMs: (other) => (links.has(other) ? world.roundTripMs(peer, other) : undefined),
    send,
    hangUp: (other) => world.unlink(peer, other),
    onChange: () => replica.spread.look(),
    onError: world.onError,
  })
  const replica = createReplica({
    self: peer,
    epoch: 1,
    clock,
    random,
    hlc: createHlc(clock),
    blocks: createBlockStore(database),
    sign: (bytes) => fakeSign(peer, bytes),
    verify: () => true,
    persist(writes, done) {
      void database.write(
        writes.map((write) => ('put' in write ? { put: write.put, value: frameValue(write.value) } : write)),
        { sync: true },
      )
      clock.after(DISK_MS, done)
    },
    net: { send, linked: () => [...links], neighbours: overlay.neighbours, leaving: overlay.leaving },
    wasMember: () => true,
    cutOf: () => undefined,
    seats: () => world.hubs,
    fold: (block: Block) => world.onBlock(peer, block),
    onFork: () => world.onError(new Error('fork')),
    onReject: (_, verdict) => world.onError(new Error(`reject: ${verdict.detail}`)),
    onError: world.onError,
  })
  const redial = (): void => {
    if (!node.up) return
    for (const other of overlay.wanted()) {
      if (links.has(other) || dialling.has(other)) continue
      dialling.add(other)
      world.dial(peer, other, () => dialling.delete(other))
    }
  }
  const node: ScaleNode = {
    peer,
    overlay,
    replica,
    up: false,
    links,
    start() {
      node.up = true
      overlay.start()
      replica.start()
      redial()
      repeat(clock, () => REDIAL_MS * (0.8 + random.next() * 0.4), redial, world.onError)
    },
    crash() {
      node.up = false
      world.dead += 1
      overlay.stop()
      replica.stop()
      for (const other of links) world.unlink(peer, other)
    },
    receive(from, message) {
      if (!node.up) return
      if (message.t === 'neighbour') overlay.receive(from, message)
      else replica.onMessage(from, message)
    },
  }
  return node
}
