// A whole mesh in one process: virtual time, a seeded network, crashes with torn writes, pauses and partitions. After each run
// the promises of decision 0001 are checked. Everything follows from the seed.
import type { PeerId } from '../../protocols/ids.ts'
import type { Random } from '../../node/kernel/random.ts'
import { createSeededRandom, pick } from '../../node/kernel/random.ts'
import { fakePeer } from './parts/fake-identity.ts'
import type { Promises } from './promises.ts'
import { createPromises } from './promises.ts'
import { generationOf } from '../../node/tasks/claims/recovery.ts'
import type { Losses } from './parts/losses.ts'
import { createLosses } from './parts/losses.ts'
import { createSimClock } from './parts/sim-clock.ts'
import { publish } from './parts/publishing.ts'
import type { SimNames } from './parts/sim-names.ts'
import { createSimNames } from './parts/sim-names.ts'
import type { Weather } from './parts/sim-network.ts'
import { CALM, createSimNetwork } from './parts/sim-network.ts'
import type { Plan } from './parts/plans.ts'
import { DEFAULT_PLAN } from './parts/plans.ts'
import type { SimNode, World } from './parts/world.ts'
import { createSimNode } from './parts/sim-node.ts'

export type Report = {
  seed: number
  violations: string[]
  counts: Record<string, number>
  virtualMs: number
  events: number
}
const SLOW: Weather = { loss: 0, duplicate: 0, delayMs: 100, jitterMs: 60 }
const SETTLE_LIMIT_MS = 120_000
/** Every write that is under way at rest has reached the disk by then. */
const LAST_WRITES_MS = 5_000

type Stage = {
  plan: Plan
  world: World
  random: Random
  promises: Promises
  losses: Losses
  nodes: ReadonlyMap<PeerId, SimNode>
  names: SimNames | undefined
}

/** @param inspect looks at the end state before the nodes are taken down */
export async function simulate(
  seed: number,
  plan: Plan = DEFAULT_PLAN,
  inspect: (nodes: ReadonlyMap<PeerId, SimNode>) => void = () => {},
): Promise<Report> {
  const clock = createSimClock()
  const random = createSeededRandom(seed)
  const counts: Record<string, number> = {}
  const count = (name: string, by = 1): void => {
    counts[name] = (counts[name] ?? 0) + by
  }
  const nodes = new Map<PeerId, SimNode>()
  const promises = createPromises(nodes, clock, count)
  const world: World = {
    clock,
    random,
    network: createSimNetwork(clock, random, (to, from, message) => nodes.get(to)?.receive(from, message)),
    peers: Array.from({ length: plan.nodes }, (_, i) => fakePeer(i)),
    left: new Set(),
    planted: plan.planted,
    workMaxMs: plan.workMaxMs,
    node: (peer) => nodes.get(peer) as SimNode,
    onRun(run) {
      promises.onRun(run)
      names?.onRun(run)
    },
    onCrash: promises.onCrash,
    onSettled: promises.onSettled,
    onError: promises.onError,
    count,
  }
  for (const peer of world.peers) nodes.set(peer, createSimNode(world, peer))
  const names = plan.names === true ? createSimNames(world, random, nodes, (text) => promises.violations.push(text)) : undefined
  const calmDown = (): Promise<void> => allUp(stage)
  const losses = createLosses({ world, nodes, acknowledged: promises.acknowledged, calmDown })
  const stage: Stage = { plan, world, random, promises, losses, nodes, names }

  planChaos(stage)
  await clock.run(plan.chaosMs)
  await comeToRest(stage)
  promises.check(losses.forgotten)
  promises.violations.push(...losses.violations())
  names?.check()
  for (const { engine } of nodes.values()) {
    for (const [name, value] of Object.entries({ ...engine?.proposer.counters, ...engine?.execution.counters })) count(name, value)
  }
  count('seat changes', seatChanges([...nodes.values()]))
  count('bytes', world.network.counters.bytes)
  count('lost messages', world.network.counters.lost)
  count('settled tasks', promises.settledCount())
  inspect(nodes)
  const virtualMs = clock.nowMs()
  await restartAll(stage)
  for (const node of nodes.values()) if (node.up) node.crash()
  return { seed, violations: promises.violations, counts, virtualMs, events: clock.events() }
}

function planChaos(stage: Stage): void {
  const { plan, world, random } = stage
  const { clock } = world
  // The mesh grows from its founder, as real ones do.
  for (const [index, peer] of world.peers.entries()) clock.after(index * 100, () => void world.node(peer).boot().catch(world.onError))
  for (let i = 0; i < plan.tasks; i++)
    clock.after(500 + random.next() * plan.chaosMs, () => publish({ ...stage, up: () => upNodes(stage) }))
  stage.names?.begin(plan.chaosMs)
  if (plan.faults === 'none') return
  if (plan.faults === 'stalls') world.network.weather = SLOW
  for (let atMs = 1_500; atMs < plan.chaosMs; atMs += plan.faultGapMaxMs * (0.14 + random.next() * 0.86))
    clock.after(atMs, () => fault(stage))
  if (plan.loss !== undefined) return stage.losses.plan(plan.loss, plan.chaosMs * (0.2 + random.next() * 0.5))
  if (random.next() >= 0.3) return
  clock.after(plan.chaosMs * random.next(), () => {
    world.left.add(world.peers[Math.floor(random.next() * plan.nodes)] as PeerId)
    world.count('member leaves')
  })
}

function fault(stage: Stage): void {
  const { world, plan, random, nodes } = stage
  const { clock, count, network } = world
  const node = pick(random, [...nodes.values()])
  const dice = random.next()
  if (node === undefined || stage.losses.isQuiet()) return
  if (plan.faults === 'stalls') stall(stage, node)
  else if (dice < 0.3 && node.up) {
    if (random.next() < 0.5) node.crash()
    else node.crashWhileWriting()
    count('crash')
    clock.after(400 + random.next() * 6_000, () => void (node.up ? undefined : node.boot().catch(world.onError)))
  } else if (dice < 0.45 && node.up && !node.paused) {
    stall(stage, node)
  } else if (dice < 0.7) {
    const sides = new Map(world.peers.map((peer) => [peer, random.next() < 0.4 ? 1 : 0]))
    stage.promises.onSides(sides)
    network.partition(sides)
    count('partition')
    clock.after(500 + random.next() * 7_000, () => heal(stage))
  } else {
    network.weather = {
      loss: random.next() * 0.2,
      duplicate: random.next() * 0.1,
      delayMs: random.next() * 30,
      jitterMs: random.next() * 150,
    }
    count('bad weather')
    clock.after(3_000, () => (network.weather = CALM))
  }
}

function stall({ world, random }: Stage, node: SimNode): void {
  if (!node.up || node.paused) return
  node.pause()
  world.count('pause')
  world.clock.after(200 + random.next() * 6_000, () => (node.paused ? node.resume() : undefined))
}

function heal(stage: Stage): void {
  stage.promises.onSides(new Map())
  stage.world.network.heal()
  for (const node of upNodes(stage)) for (const other of node.linked()) node.engine?.onPeerUp(other)
}

/** Everybody up and connected: then the mesh must come to rest by itself. */
async function comeToRest(stage: Stage): Promise<void> {
  const { world, plan, promises, losses } = stage
  await allUp(stage)
  await world.clock.run(
    plan.chaosMs + SETTLE_LIMIT_MS,
    () => world.clock.events() % 64 === 0 && !losses.isQuiet() && promises.atRest() && losses.isAtRest() && stage.names?.atRest() !== false,
  )
}

async function allUp(stage: Stage): Promise<void> {
  stage.world.network.weather = CALM
  for (const node of stage.nodes.values()) {
    if (node.paused) node.resume()
    if (!node.up) await node.boot()
  }
  heal(stage)
}

/** P6 across restarts: what a node reads back from its disk folds to what it had. */
async function restartAll({ world, nodes, promises }: Stage): Promise<void> {
  const { clock } = world
  for (const node of nodes.values()) {
    if (node.gone) continue
    for (let ms = 0; ms < LAST_WRITES_MS && !node.hasWritten(); ms++) await clock.run(clock.nowMs() + 1)
    const before = node.engine?.fold.hash()
    node.crash()
    await node.boot()
    if (node.restoredHash !== before) promises.violations.push(`P6: ${node.peer.slice(-3)} has another fold after a restart`)
  }
}

function upNodes({ nodes }: Stage): SimNode[] {
  return [...nodes.values()].filter((node) => node.up && !node.paused && node.engine !== undefined)
}

/** A recovery jumps to another number: only what was decided step by step counts. */
function seatChanges(nodes: readonly SimNode[]): number {
  const versions = nodes.flatMap(({ engine }) => engine?.seats.config().version ?? [])
  const newest = Math.max(1, ...versions)
  return generationOf(newest) === 0 ? newest - 1 : 0
}
