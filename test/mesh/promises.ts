// The promises of decision 0001, watched while a simulated mesh runs and checked after it has come to rest. It only looks:
// it never changes a node.
import { encode } from '@ipld/dag-cbor'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { SimNode, SimRun } from './parts/world.ts'

export type Promises = {
  violations: string[]
  published: Set<TaskId>
  acknowledged: Set<TaskId>
  onRun(run: SimRun): void
  onSettled(node: PeerId, task: TaskId, end: string, version: number): void
  onError(error: unknown): void
  settledCount(): number
  /** Published tasks that are not settled at every node. */
  open(): TaskId[]
  /** Nothing is left to do: what was acknowledged is settled everywhere, and all have the same blocks. */
  atRest(): boolean
  /** Looks at the end state of all nodes. */
  check(settleLimitMs: number): void
}

export function createPromises(nodes: ReadonlyMap<PeerId, SimNode>, count: (state: string) => void): Promises {
  const violations: string[] = []
  const running = new Map<TaskId, SimRun>()
  const newest = new Map<TaskId, number>()
  const holders = new Map<string, PeerId>()
  const settled = new Map<TaskId, string>()
  const published = new Set<TaskId>()
  const acknowledged = new Set<TaskId>()
  const cancelledBeforeClaim = new Set<TaskId>()
  const engines = () => [...nodes.values()].map((node) => node.engine)
  const open = (): TaskId[] => [...published].filter((id) => !engines().every((engine) => engine?.fold.task(id)?.value.state === 'settled'))
  const isLost = (id: TaskId): boolean => engines().every((engine) => engine?.fold.task(id)?.task === undefined)

  return {
    violations,
    published,
    acknowledged,
    open,
    settledCount: () => settled.size,
    onRun(run) {
      if (run.state !== 'running') {
        if (running.get(run.task) === run) running.delete(run.task)
        if (run.state === 'frozen') count('work frozen')
        return
      }
      const holder = holders.get(`${run.task}/${run.epoch}`) ?? run.node
      holders.set(`${run.task}/${run.epoch}`, holder)
      if (holder !== run.node) violations.push(`P2: ${run.task} runs as ${nameRun(run)}, but ${shortName(holder)} held that epoch`)
      const other = running.get(run.task)
      const latest = newest.get(run.task) ?? 0
      if (other !== undefined && other !== run) violations.push(`P3: ${run.task} runs as ${nameRun(run)} and as ${nameRun(other)}`)
      if (latest > run.epoch) violations.push(`P3: ${run.task} runs as ${nameRun(run)} after epoch ${latest}`)
      if (run.epoch > Math.max(latest, 1)) count('run again elsewhere')
      newest.set(run.task, Math.max(run.epoch, latest))
      running.set(run.task, run)
      if (cancelledBeforeClaim.has(run.task)) violations.push(`P8: ${run.task} ran after its cancel was settled`)
    },
    onSettled(node, task, end, version) {
      const outcome = `${end}@${version}`
      const known = settled.get(task)
      if (known !== undefined && known !== outcome)
        violations.push(`P4: ${task} settled as ${known} and, at ${shortName(node)}, as ${outcome}`)
      settled.set(task, outcome)
      if (end.startsWith('cancelled/0')) cancelledBeforeClaim.add(task)
    },
    onError: (error) => violations.push(`error: ${(error as Error).stack ?? String(error)}`),
    atRest: () => open().every((id) => isLost(id) && !acknowledged.has(id)) && haveEqualHeads(nodes),
    check(settleLimitMs) {
      for (const id of acknowledged) if (isLost(id)) violations.push(`P1: acknowledged ${id} is lost`)
      for (const id of open()) if (!isLost(id)) violations.push(`P7: ${id} is not settled everywhere after ${settleLimitMs} ms`)
      const hashes = new Set(engines().map((engine) => engine?.fold.hash()))
      if (hashes.size !== 1) violations.push(`P6: ${hashes.size} different folds`)
      for (const node of nodes.values()) violations.push(...brokenAt(node))
    },
  }
}

/** What one node's fold tells: two values of one version, or a loss that was counted as a failed attempt. */
function brokenAt(node: SimNode): string[] {
  const fold = node.engine?.fold
  if (fold === undefined) return []
  const broken = fold.conflicts() > 0 ? [`P2: two values of one version at ${shortName(node.peer)}`] : []
  for (const { id, value } of fold.tasks()) {
    // Work of the simulator never fails by itself, so only a loss could have used an attempt up.
    if (value.attempt !== 1 || value.end === 'failed' || value.end === 'dead')
      broken.push(`P7: ${id} ended as ${value.end} after ${value.attempt} attempts`)
  }
  return broken
}

function haveEqualHeads(nodes: ReadonlyMap<PeerId, SimNode>): boolean {
  const heads = [...nodes.values()].map(({ engine }) => (engine === undefined ? '' : Buffer.from(encode(engine.heads())).toString('hex')))
  return new Set(heads).size === 1
}

function nameRun(run: SimRun): string {
  return `epoch ${run.epoch} at ${shortName(run.node)}`
}

export function shortName(peer: PeerId): string {
  return peer.slice(-3)
}
