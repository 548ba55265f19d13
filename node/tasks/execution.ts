// The life of a run on this node: it starts when the claim is chosen and the lease is valid, ends by itself, by cancel or
// because the term ended, and then its register is settled for as long as its epoch holds. It starts processes only through `work`.
import type { PeerId, TaskId, Term } from '../../protocols/ids.ts'
import type { Outcome, RegisterValue, TaskSpec } from '../../protocols/records.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { Fold } from './fold/fold.ts'
import type { Lease } from './claims/lease.ts'
import type { Proposer } from './claims/proposer.ts'
import { conclude } from './fold/transitions.ts'

export type WorkOrder = { task: TaskId; epoch: number; term: Term; attempt: number; spec: TaskSpec; author: PeerId }

/** Where the processes are. `stop` leads to `ended` like any other end. */
export type Work = {
  start(order: WorkOrder): void
  stop(task: TaskId, epoch: number, reason: 'cancelled' | 'lost' | 'shutdown'): void
}

export type ExecutionComponents = {
  self: PeerId
  clock: Clock
  random: Random
  fold: Pick<Fold, 'task'>
  lease: Pick<Lease, 'isCurrent' | 'remainingMs' | 'wake'>
  proposer: Pick<Proposer, 'change' | 'forget'>
  work: Work
  /** A slot became free, or a run began. */
  onChange(): void
}

export type Run = {
  task: TaskId
  epoch: number
  term: Term
  phase: 'waiting' | 'running' | 'settling'
  lost?: boolean
  cancelled?: boolean
  /** How many of its children it waits for now. */
  awaiting?: number
}

export type Execution = {
  /** This node holds the task under its current term: run it once the lease is valid. */
  hold(task: TaskId, value: RegisterValue): void
  /** The processes of a run are gone. */
  ended(task: TaskId, epoch: number, outcome: Outcome): void
  onLeaseValid(): void
  onTermEnded(term: Term): void
  onCancel(task: TaskId): void
  /** Ends all runs and gives their tasks back without using up an attempt. Settles when the registers know. */
  giveBack(): Promise<void>
  runs(): readonly Run[]
  /** Runs that use a slot: those that wait for their own children do not. */
  busy(): number
  /** A run begins to wait; what comes back ends that, and may be called twice. */
  park(task: TaskId): () => void
  has(task: TaskId): boolean
  counters: { started: number; lateRefused: number; settled: number; lost: number }
}

const SETTLE_TRY_MS = 3_000
const SETTLE_AGAIN_MS = 250

export function createExecution(components: ExecutionComponents): Execution {
  const { clock, fold, lease, proposer, work } = components
  const runs = new Map<TaskId, Run>()
  const counters = { started: 0, lateRefused: 0, settled: 0, lost: 0 }
  const emptied: (() => void)[] = []

  const remove = (run: Run): void => {
    if (runs.get(run.task) === run) runs.delete(run.task)
    // The register may have come back to this node under its next term while the old run was ending.
    const value = fold.task(run.task)?.value
    if (value?.state === 'held' && value.holder === components.self && value.epoch > run.epoch) hold(run.task, value)
    if (runs.size === 0) for (const callback of emptied.splice(0)) callback()
    components.onChange()
  }
  const startWaiting = (): void => {
    for (const run of runs.values()) {
      if (run.phase !== 'waiting' || !lease.isCurrent(run.term) || lease.remainingMs(run.term) <= 0) continue
      const state = fold.task(run.task)
      if (state?.task === undefined) continue
      if (run.cancelled === true) {
        void settle(run, { result: 'cancelled', endedAt: clock.wallMs() })
        continue
      }
      run.phase = 'running'
      counters.started += 1
      work.start({
        task: run.task,
        epoch: run.epoch,
        term: run.term,
        attempt: state.value.attempt,
        spec: state.task.spec,
        author: state.task.author,
      })
    }
  }
  /** Tries until the register has the outcome or says that this epoch is over; a minority keeps it for after the heal, while its term
   * lasts. After that it is not offered any more: those who come back to a group that was recovered without them must decide nothing. */
  const settle = async (run: Run, outcome: Outcome): Promise<void> => {
    run.phase = 'settling'
    const decide = conclude(run.epoch, outcome, fold.task(run.task)?.task?.spec ?? { attempts: 1 }, components.random.next())
    for (;;) {
      const change = await proposer.change(run.task, decide, SETTLE_TRY_MS)
      if ('changed' in change || ('refused' in change && change.refused === 'done')) {
        counters.settled += 1
        break
      }
      if ('refused' in change) {
        counters.lateRefused += 1
        break
      }
      if (run.lost === true) {
        counters.lost += 1
        break
      }
      await new Promise<void>((resolve) => clock.after(SETTLE_AGAIN_MS, resolve))
    }
    proposer.forget(run.task)
    remove(run)
  }

  const hold = (task: TaskId, value: RegisterValue): void => {
    if (runs.has(task) || value.term === undefined || !lease.isCurrent(value.term)) return
    runs.set(task, {
      task,
      epoch: value.epoch,
      term: value.term,
      phase: 'waiting',
      ...(fold.task(task)?.cancel ? { cancelled: true } : {}),
    })
    lease.wake()
    startWaiting()
    components.onChange()
  }

  return {
    hold,
    ended(task, epoch, outcome) {
      const run = runs.get(task)
      if (run === undefined || run.epoch !== epoch || run.phase !== 'running') return
      if (run.lost === true) {
        counters.lost += 1
        return remove(run)
      }
      // A command that finished before the cancel reached it has finished; otherwise it was cancelled.
      void settle(run, run.cancelled === true && outcome.result !== 'succeeded' ? { ...outcome, result: 'cancelled' } : outcome)
    },
    onLeaseValid: startWaiting,
    onTermEnded(term) {
      for (const run of runs.values()) {
        if (run.term !== term) continue
        run.lost = true
        if (run.phase === 'running') work.stop(run.task, run.epoch, 'lost')
        else if (run.phase === 'waiting') remove(run)
      }
    },
    onCancel(task) {
      const run = runs.get(task)
      if (run === undefined || run.cancelled === true) return
      run.cancelled = true
      if (run.phase === 'running') work.stop(task, run.epoch, 'cancelled')
    },
    giveBack() {
      for (const run of runs.values()) {
        if (run.phase === 'running') work.stop(run.task, run.epoch, 'shutdown')
        else if (run.phase === 'waiting') void settle(run, { result: 'lost', endedAt: clock.wallMs() })
      }
      return runs.size === 0 ? Promise.resolve() : new Promise((resolve) => emptied.push(resolve))
    },
    runs: () => [...runs.values()],
    busy: () => [...runs.values()].filter(({ awaiting = 0 }) => awaiting === 0).length,
    park(task) {
      const run = runs.get(task)
      if (run === undefined) return () => {}
      run.awaiting = (run.awaiting ?? 0) + 1
      components.onChange()
      let ended = false
      return () => {
        if (ended) return
        ended = true
        run.awaiting = (run.awaiting ?? 1) - 1
        components.onChange()
      }
    },
    has: (task) => runs.has(task),
    counters,
  }
}
