// Thirty nodes that are not all linked: every block reaches every node, by about one message each, through lost messages and
// crashes; and a mesh of twelve stays the full one that it was.
import { expect, test } from 'vitest'
import type { PeerId } from '../../../protocols/ids.ts'
import { measureSpread } from './measure-spread.ts'
import { createScaleWorld } from './scale-world.ts'

const LONG_MS = 60_000

test(
  'a block reaches thirty nodes by one message each, in about the time of a direct link to the farthest',
  async () => {
    const { missing, perNode, stretch, world } = await measureSpread({ nodes: 30, seed: 3, authors: 6, blocks: 60, settleMs: 20_000 })
    expect(world.errors).toEqual([])
    expect(missing).toBe(0)
    expect((perNode.get('blocks')?.messages ?? 0) / 60).toBeLessThan(2)
    expect(stretch.toSorted((a, b) => a - b)[Math.floor(stretch.length * 0.9)]).toBeLessThan(2)
    const neighbours = world.peers.map((peer) => world.node(peer).overlay.neighbours()?.length ?? 0)
    expect(Math.min(...neighbours)).toBeGreaterThanOrEqual(4)
    expect(Math.max(...neighbours)).toBeLessThanOrEqual(17)
  },
  LONG_MS,
)

test(
  'what gets lost is asked for: a tenth of all messages lost, five nodes crashed, and the others have every block',
  async () => {
    const seen = new Map<string, number>()
    const world = createScaleWorld({ nodes: 30, seed: 5, onBlock: (peer) => void seen.set(peer, (seen.get(peer) ?? 0) + 1) })
    for (const peer of world.peers) world.node(peer).start()
    await world.clock.run(15_000)
    world.loss = 0.1
    const authors = world.peers.slice(20, 25)
    for (let index = 0; index < 100; index++) {
      world.node(authors[index % 5] as PeerId).replica.append({ kind: 'cancel', task: '0'.repeat(26) as never })
      // Two of the crashed are hubs, the way by which most of it travels.
      if (index % 20 === 10) world.node(world.peers[[0, 7, 8, 1, 9][index / 20 - 0.5] as number] as PeerId).crash()
      await world.clock.run(world.clock.nowMs() + 50)
    }
    world.loss = 0
    await world.clock.run(world.clock.nowMs() + 30_000)
    expect(world.errors).toEqual([])
    const left = world.peers.filter((peer) => world.node(peer).up)
    expect(left).toHaveLength(25)
    expect(left.map((peer) => seen.get(peer))).toEqual(left.map(() => 100))
  },
  LONG_MS,
)

test('a mesh of twelve is linked in full and passes nothing on', async () => {
  const { missing, perNode, world } = await measureSpread({ nodes: 12, seed: 1, authors: 4, blocks: 20, settleMs: 5_000 })
  expect(missing).toBe(0)
  expect(world.peers.map((peer) => world.node(peer).links.size)).toEqual(world.peers.map(() => 11))
  expect((perNode.get('blocks')?.messages ?? 0) / 20).toBeLessThan(1)
})
