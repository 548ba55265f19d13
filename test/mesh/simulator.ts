// A whole mesh in one process: virtual time, a seeded network, crashes with torn writes, pauses and partitions. After each run
// the promises of decision 0001 are checked. Everything follows from the seed.
import { encode } from '@ipld/dag-cbor'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { taskId } from '../../protocols/ids.ts'
import { createSeededRandom, pick } from '../../node/kernel/random.ts'
import { createSimClock } from './sim-clock.ts'
import { CALM, createSimNetwork } from './sim-network.ts'
import type { SimNode, SimRun, World } from './sim-node.ts'
import { createSimNode, fakePeer } from './sim-node.ts'

export type Report = {
  seed: number
  violations: string[]
  counts: Record<string, number>
  virtualMs: number
  events: number
}
export type Plan = { nodes: number; tasks: number; chaosMs: number; faults: boolean }
export const DEFAULT_PLAN: Plan = { nodes: 5, tasks: 30, chaosMs: 20_000, faults: true }

const SETTLE_LIMIT_MS = 120_000

export async function simulate(seed: number, plan: Plan = DEFAULT_PLAN): Promise<Report> {
  const clock = createSimClock()
  const random = createSeededRandom(seed)
  const violations: string[] = []
  const counts: Record<string, number> = {}
  const count = (name: string, by = 1): void => {
    counts[name] = (counts[name] ?? 0) + by
  }
  const running = new Map<TaskId, SimRun>()
  const newest = new Map<TaskId, number>()
  const settled = new Map<TaskId, string>()
  const acknowledged = new Set<TaskId>()
  const published = new Set<TaskId>()
  const cancelledBeforeClaim = new Set<TaskId>()
  const nodes = new Map<PeerId, SimNode>()
  const world: World = {
    clock,
    random,
    network: createSimNetwork(clock, random, (to, from, message) => nodes.get(to)?.receive(from, message)),
    peers: Array.from({ length: plan.nodes }, (_, i) => fakePeer(i)),
    left: new Set(),
    node: (peer) => nodes.get(peer) as SimNode,
    onRun(run) {
      if (run.state !== 'running') {
        if (running.get(run.task) === run) running.delete(run.task)
        if (run.state === 'frozen') count('work frozen')
        return
      }
      const other = running.get(run.task)
      if (other !== undefined && other !== run) violations.push(`P3: ${run.task} runs at ${run.node.slice(-3)} epoch ${run.epoch} and at ${other.node.slice(-3)} epoch ${other.epoch}`)
      if ((newest.get(run.task) ?? 0) > run.epoch) violations.push(`P3: ${run.task} epoch ${run.epoch} runs after epoch ${newest.get(run.task)}`)
      if (run.epoch > (newest.get(run.task) ?? 0) && run.epoch > 1) count('run again elsewhere')
      newest.set(run.task, Math.max(run.epoch, newest.get(run.task) ?? 0))
      running.set(run.task, run)
      if (cancelledBeforeClaim.has(run.task)) violations.push(`P8: ${run.task} ran after its cancel was settled`)
    },
    onSettled(node, task, end, version) {
      const outcome = `${end}@${version}`
      const known = settled.get(task)
      if (known !== undefined && known !== outcome) violations.push(`P4: ${task} settled as ${known} and, at ${node.slice(-3)}, as ${outcome}`)
      settled.set(task, outcome)
      if (end.startsWith('cancelled/0')) cancelledBeforeClaim.add(task)
    },
    onError: (error) => violations.push(`error: ${(error as Error).stack ?? String(error)}`),
    count,
  }
  for (const peer of world.peers) nodes.set(peer, createSimNode(world, peer))
  const up = (): SimNode[] => [...nodes.values()].filter((node) => node.up && !node.paused && node.engine !== undefined)

  const publish = (): void => {
    const node = pick(random, up())
    if (node?.engine === undefined) return
    const nonce = random.bytes(16)
    const createdAt = clock.wallMs()
    const id = taskId(node.peer, createdAt, nonce)
    published.add(id)
    const seq = node.engine.append({ kind: 'task', id, createdAt, nonce, spec: { kind: 'shell', argv: ['true'], priority: Math.floor(random.next() * 10), attempts: 1 } })
    void node.engine.durable(seq, 1_000).then((result) => {
      count(`published ${result}`)
      if (result === 'majority') acknowledged.add(id)
    })
    if (random.next() < 0.1) {
      const cancel = (): void => {
        const other = pick(random, up())
        if (other?.engine?.fold.task(id) !== undefined) other.engine.append({ kind: 'cancel', task: id })
      }
      clock.after(random.next() * 3_000, cancel)
    }
  }
  const fault = (): void => {
    const node = pick(random, [...nodes.values()])
    const dice = random.next()
    if (node === undefined) return
    if (dice < 0.3 && node.up) {
      node.crash()
      count('crash')
      clock.after(100 + random.next() * 6_000, () => void node.boot().catch(world.onError))
    } else if (dice < 0.45 && node.up && !node.paused) {
      node.pause()
      count('pause')
      clock.after(200 + random.next() * 6_000, () => (node.paused ? node.resume() : undefined))
    } else if (dice < 0.7) {
      world.network.partition(new Map(world.peers.map((peer) => [peer, random.next() < 0.4 ? 1 : 0])))
      count('partition')
      clock.after(500 + random.next() * 7_000, heal)
    } else {
      world.network.weather = { loss: random.next() * 0.2, duplicate: random.next() * 0.1, delayMs: random.next() * 30, jitterMs: random.next() * 150 }
      count('bad weather')
      clock.after(3_000, () => (world.network.weather = CALM))
    }
  }
  const heal = (): void => {
    world.network.heal()
    for (const node of up()) for (const other of node.linked()) node.engine?.onPeerUp(other)
  }

  // The mesh grows from its founder, as real ones do.
  for (const [index, peer] of world.peers.entries()) clock.after(index * 100, () => void world.node(peer).boot().catch(world.onError))
  for (let i = 0; i < plan.tasks; i++) clock.after(500 + random.next() * plan.chaosMs, publish)
  if (plan.faults) for (let atMs = 1_500; atMs < plan.chaosMs; atMs += 400 + random.next() * 2_500) clock.after(atMs, fault)
  if (plan.faults && random.next() < 0.3) {
    clock.after(plan.chaosMs * random.next(), () => {
      world.left.add(world.peers[Math.floor(random.next() * plan.nodes)] as PeerId)
      count('member leaves')
    })
  }
  await clock.run(plan.chaosMs)

  // Heal: everybody up and connected, then the mesh must come to rest by itself.
  world.network.weather = CALM
  for (const node of nodes.values()) {
    if (node.paused) node.resume()
    if (!node.up) await node.boot()
  }
  heal()
  const open = (): TaskId[] => [...published].filter((id) => !isEverywhereSettled(nodes, id))
  const lost = (id: TaskId): boolean => [...nodes.values()].every((node) => node.engine?.fold.task(id)?.task === undefined)
  const atRest = (): boolean => clock.events() % 64 === 0 && open().every((id) => lost(id) && !acknowledged.has(id)) && equalHeads(nodes)
  await clock.run(plan.chaosMs + SETTLE_LIMIT_MS, atRest)

  for (const id of acknowledged) if (lost(id)) violations.push(`P1: acknowledged ${id} is lost`)
  if (process.env['SIM_DEBUG']) for (const node of nodes.values()) console.log(node.peer.slice(-3), JSON.stringify(node.engine?.seats.config()), node.engine?.seats.votes(node.engine.seats.config().version), node.engine?.term(), node.engine?.scheduler.open(), JSON.stringify(node.engine?.execution.runs()), JSON.stringify(node.engine?.heads()), node.engine?.fold.hash().slice(0,6), open().slice(0,2).map((id) => JSON.stringify([node.engine?.fold.task(id)?.value, node.engine?.fold.task(id)?.cancel !== undefined])))
  for (const id of open()) if (!lost(id)) violations.push(`P7: ${id} is not settled everywhere after ${SETTLE_LIMIT_MS} ms`)
  const hashes = new Set([...nodes.values()].map((node) => node.engine?.fold.hash()))
  if (hashes.size !== 1) violations.push(`P6: ${hashes.size} different folds`)
  for (const node of nodes.values()) {
    if ((node.engine?.fold.conflicts() ?? 0) > 0) violations.push(`P2: two values of one version at ${node.peer.slice(-3)}`)
    for (const [name, value] of Object.entries({ ...node.engine?.proposer.counters, ...node.engine?.execution.counters })) count(name, value)
  }
  count('seat versions', [...nodes.values()][0]?.engine?.seats.config().version ?? 0)
  count('bytes', world.network.counters.bytes)
  count('lost messages', world.network.counters.lost)
  count('settled tasks', settled.size)
  const report = { seed, violations, counts, virtualMs: clock.nowMs(), events: clock.events() }
  for (const node of nodes.values()) if (node.up) node.crash()
  return report
}

function isEverywhereSettled(nodes: ReadonlyMap<PeerId, SimNode>, id: TaskId): boolean {
  return [...nodes.values()].every((node) => node.engine?.fold.task(id)?.value.state === 'settled')
}

function equalHeads(nodes: ReadonlyMap<PeerId, SimNode>): boolean {
  return new Set([...nodes.values()].map((node) => (node.engine === undefined ? '' : Buffer.from(encode(node.engine.heads())).toString('hex')))).size === 1
}
