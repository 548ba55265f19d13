// What the parts of the simulator know of each other: the world, its nodes and the runs of their work.
import type { PeerId, TaskId, Term } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { LinkMessage } from '../../../protocols/streams.ts'
import type { Random } from '../../../node/kernel/random.ts'
import type { Clock } from '../../../node/kernel/clock.ts'
import type { FoldPart, TaskState } from '../../../node/tasks/fold/fold.ts'
import type { Engine } from '../../../node/tasks/engine.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimNetwork } from './sim-network.ts'

export type SimRun = {
  task: TaskId
  epoch: number
  term: Term
  spec: TaskSpec
  node: PeerId
  remainingMs: number
  state: 'running' | 'frozen' | 'over'
  /** `false` fails, everything else succeeds. */
  command: string | undefined
}

/** A known mistake: registers forgotten at a restart, answers before the fsync, a lease counted from the answer to its renewal. */
export type PlantedFault = 'forgetful-keeper' | 'skipped-fsync' | 'lease-from-answer'

export type World = {
  clock: SimClock
  random: Random
  network: SimNetwork
  peers: PeerId[]
  left: Set<PeerId>
  planted: PlantedFault | undefined
  workMaxMs: number
  node(peer: PeerId): SimNode
  /** What else a node holds beside its engine, made anew at each of its starts. */
  room?(peer: PeerId, clock: Clock): SimRoom
  /** Checked at every change of a run: no two of one task run at once. */
  onRun(run: SimRun): void
  onCrash(node: PeerId): void
  onSettled(node: PeerId, task: TaskId, end: string, version: number): void
  onError(error: unknown): void
  count(state: string, by?: number): void
}

export type SimRoom = { parts: readonly FoldPart[]; noteTask(state: TaskState): void; start(engine: Engine): void }

export type SimNode = {
  peer: PeerId
  engine: Engine | undefined
  /** The fold as it was read back from the disk at the last start, before the node wrote anything. */
  restoredHash: string | undefined
  up: boolean
  /** Lost for good: it boots no more. */
  gone: boolean
  paused: boolean
  boot(): Promise<void>
  hasWritten(): boolean
  crash(): void
  crashWhileWriting(): void
  pause(): void
  resume(): void
  receive(from: PeerId, message: LinkMessage): void
  receiveLastWords(from: PeerId, term: Term): void
  linked(): PeerId[]
}
