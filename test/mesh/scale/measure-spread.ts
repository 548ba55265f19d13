// Blocks of some authors in a large simulated mesh: when does each of them stand at all nodes, and at what cost.
import type { PeerId } from '../../../protocols/ids.ts'
import type { ScaleWorld, Traffic } from './parts.ts'
import { createScaleWorld } from './scale-world.ts'

export type SpreadPlan = { nodes: number; seed: number; authors: number; blocks: number; roundTripMs?: number; settleMs?: number }
export type SpreadReport = {
  world: ScaleWorld
  /** From the publication to the last node, for each block. */
  coverMs: number[]
  /** The same, over what a direct link to the farthest node would take. */
  stretch: number[]
  /** At each node. */
  delays: number[]
  roundTripMs: number
  missing: number
  perNode: Map<string, Traffic>
  idleBytesPerSecond: number
}

const SETTLE_MS = 60_000
const GAP_MS = 50
const AFTER_MS = 5_000
const IDLE_MS = 20_000

export async function measureSpread(plan: SpreadPlan): Promise<SpreadReport> {
  const born = new Map<string, number>()
  const arrivals = new Map<string, number[]>()
  const world = createScaleWorld({
    ...plan,
    onBlock(peer, block) {
      const key = `${block.author}/${block.seq}`
      if (peer === block.author) return
      arrivals.set(key, [...(arrivals.get(key) ?? []), world.clock.nowMs() - (born.get(key) ?? Number.NaN)])
    },
  })
  const { clock, random } = world
  // The mesh grows quickly: all are certified, and each starts within the first two seconds.
  for (const peer of world.peers) clock.after(random.next() * 2_000, world.node(peer).start)
  await clock.run(plan.settleMs ?? SETTLE_MS)
  const before = totalBytes(world)
  await clock.run(clock.nowMs() + IDLE_MS)
  const idleBytesPerSecond = (totalBytes(world) - before) / world.peers.length / (IDLE_MS / 1000)

  const authors = world.peers.toSorted(() => random.next() - 0.5).slice(0, plan.authors)
  const publish = (author: PeerId): string => {
    const seq = world.node(author).replica.append({ kind: 'cancel', task: '0'.repeat(26) as never, reason: 'x'.repeat(200) })
    born.set(`${author}/${seq}`, clock.nowMs())
    return `${author}/${seq}`
  }
  // The first blocks of an author find its tree.
  for (const author of authors) {
    publish(author)
    await clock.run(clock.nowMs() + GAP_MS)
  }
  await clock.run(clock.nowMs() + AFTER_MS)
  world.traffic.clear()
  world.received.clear()
  const keys: { key: string; author: PeerId }[] = []
  for (let index = 0; index < plan.blocks; index++) {
    const author = authors[index % authors.length] as PeerId
    keys.push({ key: publish(author), author })
    await clock.run(clock.nowMs() + GAP_MS)
  }
  await clock.run(clock.nowMs() + AFTER_MS)
  return { world, idleBytesPerSecond, ...evaluate(world, keys, arrivals) }
}

function evaluate(
  world: ScaleWorld,
  keys: readonly { key: string; author: PeerId }[],
  arrivals: ReadonlyMap<string, number[]>,
): Omit<SpreadReport, 'world' | 'idleBytesPerSecond'> {
  const up = world.peers.filter((peer) => world.node(peer).up)
  const coverMs: number[] = []
  const stretch: number[] = []
  const delays: number[] = []
  let missing = 0
  for (const { key, author } of keys) {
    const times = arrivals.get(key) ?? []
    missing += up.length - 1 - times.length
    const direct = Math.max(...up.map((peer) => (peer === author ? 0 : world.roundTripMs(author, peer) / 2)))
    coverMs.push(Math.max(...times))
    stretch.push(Math.max(...times) / direct)
    for (const time of times) delays.push(time)
  }
  const sample = Array.from({ length: 2_000 }, () => {
    const [one, other] = [0, 0].map(() => up[Math.floor(world.random.next() * up.length)] as PeerId)
    return world.roundTripMs(one as PeerId, other as PeerId)
  })
  const perNode = new Map(
    [...world.traffic].map(([kind, { messages, bytes }]) => [kind, { messages: messages / up.length, bytes: bytes / up.length }]),
  )
  return { coverMs, stretch, delays, missing, perNode, roundTripMs: sample.reduce((sum, ms) => sum + ms, 0) / sample.length }
}

function totalBytes({ received }: ScaleWorld): number {
  return [...received.values()].reduce((sum, bytes) => sum + bytes, 0)
}
