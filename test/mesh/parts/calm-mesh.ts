// A few simulated nodes without chaos, for tests of one subject: the test itself plans what goes wrong.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import type { Engine } from '../../../node/tasks/engine.ts'
import type { TaskState } from '../../../node/tasks/fold/fold.ts'
import { fakePeer } from './fake-identity.ts'
import { createSimClock } from './sim-clock.ts'
import { createSimNetwork } from './sim-network.ts'
import { createSimNode } from './sim-node.ts'
import type { SimNode, SimRun, World } from './world.ts'

export type CalmMesh = {
  world: World
  nodes: SimNode[]
  runs: SimRun[]
  engine(index: number): Engine
  state(index: number, task: TaskId): TaskState
  /** Virtual time passes until it is so; fails after `limitMs`. */
  until(what: string, done: () => boolean, limitMs?: number): Promise<void>
  heal(): void
}

export async function startCalmMesh(seed: number, count: number, workMaxMs = 200): Promise<CalmMesh> {
  const clock = createSimClock()
  const random = createSeededRandom(seed)
  const nodes = new Map<PeerId, SimNode>()
  const runs: SimRun[] = []
  const world: World = {
    clock,
    random,
    network: createSimNetwork(clock, random, (to, from, message) => nodes.get(to)?.receive(from, message)),
    peers: Array.from({ length: count }, (_, i) => fakePeer(i)),
    left: new Set(),
    planted: undefined,
    workMaxMs,
    node: (peer) => nodes.get(peer) as SimNode,
    onRun: (run) => void (run.state === 'running' && !runs.includes(run) && runs.push(run)),
    onSettled: () => {},
    onCrash: () => {},
    onError(error) {
      throw error
    },
    count: () => {},
  }
  for (const peer of world.peers) nodes.set(peer, createSimNode(world, peer))
  const all = [...nodes.values()]
  for (const node of all) await node.boot()
  const mesh: CalmMesh = {
    world,
    nodes: all,
    runs,
    engine: (index) => all[index]?.engine as Engine,
    state(index, task) {
      const state = mesh.engine(index).fold.task(task)
      if (state === undefined) throw new Error(`node ${index} does not know ${task}`)
      return state
    },
    async until(what, done, limitMs = 60_000) {
      await clock.run(clock.nowMs() + limitMs, () => clock.events() % 16 === 0 && done())
      if (!done()) throw new Error(`after ${limitMs} virtual ms: ${what}`)
    },
    heal() {
      world.network.heal()
      for (const node of all) for (const other of node.linked()) node.engine?.onPeerUp(other)
    },
  }
  await mesh.until(
    'five seats at most vote',
    () => all.every(({ engine }) => engine?.seats.votes(engine.seats.config().version) ?? false) || count !== 3,
  )
  return mesh
}
