// Watches a simulated mesh and writes the history that is judged after it has come to rest. It only looks: it never changes
// a node.
import { encode } from '@ipld/dag-cbor'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { Clock } from '../../node/kernel/clock.ts'
import { LEASE_MS } from '../../node/tasks/claims/lease-times.ts'
import type { TaskState } from '../../node/tasks/fold/fold.ts'
import type { SimNode, SimRun } from './parts/world.ts'
import type { Observation, Seen } from './history.ts'
import { describeViolation, violationsOf } from './history.ts'
import { createPatience } from './patience.ts'

export type Promises = {
  /** All that is broken so far: what `check` found, and errors. */
  violations: string[]
  published: Set<TaskId>
  acknowledged: Set<TaskId>
  onRun(run: SimRun): void
  onCrash(node: PeerId): void
  onSettled(node: PeerId, task: TaskId, end: string, version: number): void
  /** From now on only nodes of one side reach each other; an empty map: all do. */
  onSides(sides: ReadonlyMap<PeerId, number>): void
  onError(error: unknown): void
  settledCount(): number
  /** Published tasks that are not settled at every node. */
  open(): TaskId[]
  /** Nothing is left to do: what was acknowledged is settled everywhere, and all have the same blocks. */
  atRest(): boolean
  /** Looks at the end state of all nodes. Of forgotten tasks only P7 is asked. */
  check(forgotten: ReadonlySet<TaskId>): void
}

export function createPromises(nodes: ReadonlyMap<PeerId, SimNode>, clock: Pick<Clock, 'nowMs'>, count: (state: string) => void): Promises {
  const violations: string[] = []
  const history: Observation[] = []
  const runs = new Map<SimRun, Extract<Observation, { kind: 'ran' }>>()
  const alive = new Set<SimRun>()
  const patience = createPatience(clock, count)
  const newest = new Map<TaskId, number>()
  const settled = new Set<TaskId>()
  const published = new Set<TaskId>()
  const acknowledged = new Set<TaskId>()
  let minority: { peers: PeerId[]; version: number; sinceMs: number } | undefined
  const present = () => [...nodes.values()].filter((node) => !node.gone)
  const engines = () => present().map((node) => node.engine)
  const open = (): TaskId[] => [...published].filter((id) => !engines().every((engine) => engine?.fold.task(id)?.value.state === 'settled'))
  const isLost = (id: TaskId): boolean => engines().every((engine) => engine?.fold.task(id)?.task === undefined)

  return {
    violations,
    published,
    acknowledged,
    open,
    settledCount: () => settled.size,
    onCrash: patience.onCrash,
    onRun(run) {
      patience.onRun(run)
      const atMs = clock.nowMs()
      const { task, epoch, node } = run
      const known = runs.get(run)
      if (run.state === 'frozen') count('work frozen')
      // Frozen is no sign of life: the end of what stood still is not later than when it began to.
      if (known !== undefined && (run.state === 'running' || alive.has(run))) known.toMs = atMs
      if (known !== undefined) known.finished = run.state === 'over' && run.remainingMs <= 0
      if (run.state !== 'running') return void alive.delete(run)
      alive.add(run)
      if (known !== undefined) return
      const isFree = run.spec.claim === 'available'
      const seen = { kind: 'ran', task, epoch, node: shortName(node), fromMs: atMs, toMs: atMs, finished: false } as const
      runs.set(run, isFree ? { ...seen, available: true } : { ...seen })
      if (isFree) count(newest.has(task) ? 'available run more than once' : 'available run')
      else if (epoch > Math.max(newest.get(task) ?? 0, 1)) count('run again elsewhere')
      newest.set(task, Math.max(epoch, newest.get(task) ?? 0))
    },
    onSettled(node, task) {
      settled.add(task)
      const state = nodes.get(node)?.engine?.fold.task(task)
      if (state !== undefined)
        history.push({ kind: 'saw', node: shortName(node), atMs: clock.nowMs(), whole: false, tasks: [seenOf(state)] })
    },
    onSides(sides) {
      const version = agreedVersion(nodes)
      if (
        minority !== undefined &&
        minority.peers.length > 0 &&
        minority.version === version &&
        clock.nowMs() > minority.sinceMs + LEASE_MS
      ) {
        count('looked at a minority')
        const [fromMs, toMs] = [minority.sinceMs + LEASE_MS, clock.nowMs()]
        history.push({ kind: 'minority', nodes: minority.peers.map(shortName), fromMs, toMs })
      }
      minority = version === undefined ? undefined : { peers: withoutMajority(nodes, sides), version, sinceMs: clock.nowMs() }
    },
    onError: (error) => violations.push(`error: ${(error as Error).stack ?? String(error)}`),
    atRest: () => open().every((id) => isLost(id) && !acknowledged.has(id)) && haveEqualHeads(present()),
    check(forgotten) {
      for (const task of published) history.push({ kind: 'published', task, acknowledged: acknowledged.has(task) })
      history.push(...runs.values(), ...[...nodes.values()].flatMap(restOf))
      violations.push(
        ...violationsOf(history)
          .filter(({ promise, task }) => promise === 'P7' || task === undefined || !forgotten.has(task as TaskId))
          .map(describeViolation),
        ...patience.violations,
      )
    },
  }
}

function restOf({ peer, engine }: SimNode): Observation[] {
  if (engine === undefined) return []
  const tasks = [...engine.fold.tasks()].filter(({ task }) => task !== undefined).map(seenOf)
  return [{ kind: 'rest', node: shortName(peer), foldHash: engine.fold.hash(), conflicts: engine.fold.conflicts(), tasks }]
}

function seenOf({ id, task, value, attempts }: TaskState): Seen {
  const epochs = [...attempts.values()].flatMap(({ epoch, holder, outcome }) =>
    holder === undefined ? [] : [{ epoch, holder: shortName(holder), ...(outcome === undefined ? {} : { result: outcome.result }) }],
  )
  const { state, end, epoch, version, attempt } = value
  const settled = state === 'settled' && end !== undefined ? { settled: { end, epoch, outcome: `${end}/${epoch}@${version}` } } : {}
  return {
    task: id,
    epochs,
    attempt,
    ...settled,
    ...(task?.spec.claim === 'available' ? { available: true } : {}),
    // Work always has an exit code; what is settled without one is a joint.
    ...(value.outcome !== undefined && value.outcome.exitCode === undefined ? { joint: true } : {}),
  }
}

/** The version of the seats, where all nodes know the same one: only then it is certain who has no majority. */
function agreedVersion(nodes: ReadonlyMap<PeerId, SimNode>): number | undefined {
  const versions = new Set([...nodes.values()].flatMap(({ engine }) => engine?.seats.config().version ?? []))
  return versions.size === 1 ? [...versions][0] : undefined
}

function withoutMajority(nodes: ReadonlyMap<PeerId, SimNode>, sides: ReadonlyMap<PeerId, number>): PeerId[] {
  const seats = [...nodes.values()].find(({ engine }) => engine !== undefined)?.engine?.seats.config().seats ?? []
  const sideOf = (peer: PeerId): number => sides.get(peer) ?? 0
  return [...nodes.keys()].filter((peer) => seats.filter((seat) => sideOf(seat) === sideOf(peer)).length * 2 <= seats.length)
}

function haveEqualHeads(nodes: readonly SimNode[]): boolean {
  const heads = nodes.map(({ engine }) => (engine === undefined ? '' : Buffer.from(encode(engine.heads())).toString('hex')))
  return new Set(heads).size === 1
}

export function shortName(peer: PeerId): string {
  return peer.slice(-3)
}
