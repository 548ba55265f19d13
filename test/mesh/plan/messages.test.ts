// Messages on simulated nodes: across partitions, crashes of readers and torn writes nothing acknowledged is lost, and every
// node ends with the same inboxes.
import { expect, test } from 'vitest'
import { createPlanWorld } from './plan-world.ts'

test.each([1, 2, 3, 4, 5, 6])(
  'what was acknowledged is delivered until it is marked, whoever crashes and however the mesh is cut (seed %i)',
  async (seed) => {
    const world = await createPlanWorld({ seed, start: '2026-01-01T00:00:00Z' })
    const { clock, random, nodes } = world
    const reader = nodes[1]!
    const acknowledged = new Set<string>()
    const delivered = new Map<string, number>()
    const marked = new Set<string>()
    const inbox = { limit: 500, unread: true }
    for (let n = 0; n < 60; n++) {
      clock.after(random.next() * 60_000, () => {
        const from = nodes[Math.floor(random.next() * 5)]!
        if (!from.up || from.engine === undefined) return
        const to = n % 3 === 0 ? { topic: 'news' } : { worker: reader.peer }
        void world
          .rooms(from)
          .post.send(undefined, { to, body: { n } })
          .then(({ id, durability }) => (durability === 'majority' ? acknowledged.add(id) : undefined))
      })
    }
    // The reader reads now and then; half of the time it dies between reading and marking.
    for (let atMs = 3_000; atMs < 75_000; atMs += 2_500) {
      clock.after(atMs, () => {
        if (!reader.up || reader.engine === undefined) return
        const { post } = world.rooms(reader)
        const items = [...post.list(undefined, inbox).items, ...post.list(undefined, { ...inbox, topic: 'news' }).items]
        for (const { id } of items) delivered.set(id, (delivered.get(id) ?? 0) + 1)
        if (random.next() < 0.5) return reader.crash()
        const ids = items.map(({ id }) => id)
        if (ids.length === 0) return
        void post
          .markRead(undefined, ids)
          .then(({ durability }) => (durability === 'majority' ? ids.forEach((id) => marked.add(id)) : undefined))
      })
      clock.after(atMs + 1_500, () => (reader.up ? undefined : void reader.boot().catch(world.onError)))
    }
    for (let atMs = 5_000; atMs < 60_000; atMs += 4_000 + random.next() * 6_000) {
      clock.after(atMs, () => {
        const node = nodes[2 + Math.floor(random.next() * 3)]!
        if (random.next() < 0.4 && node.up) {
          node.crashWhileWriting()
          clock.after(3_000, () => (node.up ? undefined : void node.boot().catch(world.onError)))
        } else {
          world.network.partition(new Map(world.peers.map((peer) => [peer, random.next() < 0.4 ? 1 : 0])))
          clock.after(500 + random.next() * 6_000, () => world.heal())
        }
      })
    }
    await clock.run(clock.nowMs() + 90_000)
    for (const node of nodes) if (!node.up) await node.boot()
    world.heal()
    await clock.run(clock.nowMs() + 30_000)
    const { post, board } = world.rooms(reader)
    const left = [...post.list(undefined, inbox).items, ...post.list(undefined, { ...inbox, topic: 'news' }).items].map(({ id }) => id)
    expect(acknowledged.size).toBeGreaterThan(10)
    for (const id of acknowledged) expect(left.includes(id) || delivered.has(id), `acknowledged ${id} reached its reader`).toBe(true)
    for (const id of marked) expect(left, 'what was marked does not come again').not.toContain(id)
    expect(
      [...delivered.values()].some((times) => times > 1),
      'somebody died before it marked, and met them again',
    ).toBe(true)
    expect(board.topic('news').length).toBeGreaterThan(0)
    expect(new Set(nodes.map(({ engine }) => engine?.fold.hash())).size).toBe(1)
    expect(world.errors).toEqual([])
  },
  60_000,
)
