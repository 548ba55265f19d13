// Runs of available tasks at this node (decision 0001, "Available mode"). They start without asking a keeper and go on without a
// lease; the log tells of them, and who reaches a majority settles one of their ends. May run a task twice, must never lose one.
import type { PeerId, TaskId, Term } from '../../protocols/ids.ts'
import type { Entry, Outcome } from '../../protocols/records.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import { EXPIRY_MS, leaseLengthMs } from './claims/lease-times.ts'
import type { Proposer } from './claims/proposer.ts'
import type { Execution, Work } from './execution.ts'
import type { Fold, TaskState } from './fold/fold.ts'
import { isAvailable, liveRuns, provisionalEnd } from './fold/free-runs.ts'
import { settleFree } from './fold/transitions.ts'

export type AvailableComponents = {
  self: PeerId
  /** This process: runs of other lives of this node are over. */
  life: Term
  clock: Clock
  random: Random
  fold: Pick<Fold, 'task' | 'tasks' | 'termEnded'>
  proposer: Pick<Proposer, 'change' | 'forget'>
  work: Work
  append(entry: Entry): number
  isAlive(node: PeerId): boolean
  /** This node's place among the workers: others settle later, in this order. */
  place(): number
  hasMajority(): boolean
  onChange(): void
}

export type Available = Pick<Execution, 'ended' | 'giveBack' | 'has' | 'runs'> & {
  start(task: TaskId): void
  onTask(state: TaskState): void
  /** Tells of runs that ended with an earlier life, and begins to settle. */
  begin(): void
  stop(): void
  /** From when on others may run it too, by the monotonic clock; Infinity while somebody does who is here. */
  freeSinceMs(state: TaskState, sinceMs: number): number
  /** Runs started; ends settled, own ones and those of others. */
  counters: { freeRuns: number; freeSettled: number; freeHelped: number }
}

type Run = {
  task: TaskId
  epoch: number
  /** The life that it belongs to. */
  term: Term
  attempt: number
  startedAt: number
  cancelled: boolean
  stopped: boolean
}

const LOOK_MS = 250
/** Who did not run the task settles its end after this, times its place. */
const HELP_MS = 1_500
const SETTLE_TRY_MS = 2_000
const AT_ONCE_MAX = 64
/** Epochs of free runs only have to differ: time since the task was made, and something of the node. */
const EPOCH_STEP = 2 ** 20
const EPOCH_TIME_MAX = 2 ** 32

export function createAvailable(components: AvailableComponents): Available {
  const { self, life, clock, random, fold, proposer, work, append } = components
  const runs = new Map<TaskId, Run>()
  /** Runs whose end is written and not yet folded, by their epochs: until then the fold shows these tasks as nobody's. */
  const told = new Map<TaskId, number>()
  /** Ends that wait to be settled, and from when on this node tries; as many as there are such tasks in the fold. */
  const unsettled = new Map<TaskId, number>()
  const settling = new Set<TaskId>()
  const silentSince = new Map<TaskId, number>()
  const counters = { freeRuns: 0, freeSettled: 0, freeHelped: 0 }
  const emptied: (() => void)[] = []
  /** Runs of earlier lives that it said are over; no more than such runs in the fold. */
  const saidOver = new Set<string>()
  let stopped = false

  const tell = (run: Run, outcome?: Outcome): unknown =>
    append({
      kind: 'attempt',
      task: run.task,
      epoch: run.epoch,
      attempt: run.attempt,
      startedAt: run.startedAt,
      term: run.term,
      ...(outcome === undefined ? {} : { outcome }),
    })
  const end = (run: Run, reason: 'cancelled' | 'lost' | 'shutdown'): void => {
    if (run.stopped) return
    run.stopped = true
    work.stop(run.task, run.epoch, reason)
  }
  const settle = async (state: TaskState): Promise<void> => {
    const { id, task } = state
    const chosen = provisionalEnd(state)
    if (task === undefined || chosen === undefined) return void unsettled.delete(id)
    settling.add(id)
    const change = await proposer.change(id, settleFree(chosen, task.spec, random.next()), SETTLE_TRY_MS)
    settling.delete(id)
    if ('unreachable' in change) return void unsettled.set(id, clock.nowMs() + 2 * LOOK_MS)
    if ('changed' in change) counters[chosen.holder === self ? 'freeSettled' : 'freeHelped'] += 1
    proposer.forget(id)
    unsettled.delete(id)
    const now = fold.task(id)
    if (now !== undefined) onTask(now)
    settleDue()
  }
  const look = (): void => {
    if (stopped) return
    clock.after(LOOK_MS, look)
    settleDue()
  }
  const settleDue = (): void => {
    if (stopped || unsettled.size === 0 || settling.size >= AT_ONCE_MAX || !components.hasMajority()) return
    for (const [task, atMs] of unsettled) {
      if (settling.size >= AT_ONCE_MAX) return
      const state = atMs <= clock.nowMs() && !settling.has(task) ? fold.task(task) : undefined
      if (state !== undefined) void settle(state)
    }
  }
  /** A run of an earlier life may come to this log after the start: a crash took it from this disk, others have it. */
  const tellOver = (state: TaskState): void => {
    for (const { epoch, attempt, startedAt, holder, term, outcome } of state.attempts) {
      if (
        holder !== self ||
        term === undefined ||
        term === life ||
        outcome !== undefined ||
        attempt === undefined ||
        saidOver.has(`${state.id}/${epoch}`)
      )
        continue
      saidOver.add(`${state.id}/${epoch}`)
      const over: Run = { task: state.id, epoch, term, attempt, startedAt: startedAt ?? 0, cancelled: false, stopped: true }
      tell(over, { result: 'lost', endedAt: clock.wallMs() })
    }
  }
  const onTask = (state: TaskState): void => {
    if (!isAvailable(state)) return
    const toldEpoch = told.get(state.id)
    if (state.attempts.some(({ epoch, outcome }) => epoch === toldEpoch && outcome !== undefined)) told.delete(state.id)
    tellOver(state)
    const run = runs.get(state.id)
    if (run !== undefined) {
      if (state.value.state !== 'free' || state.value.attempt !== run.attempt) end(run, 'lost')
      else if (state.cancel !== undefined) {
        run.cancelled = true
        end(run, 'cancelled')
      }
    }
    const chosen = provisionalEnd(state)
    if (chosen === undefined) {
      unsettled.delete(state.id)
      if (state.value.state === 'settled') silentSince.delete(state.id)
    } else if (!unsettled.has(state.id)) {
      unsettled.set(state.id, clock.nowMs() + (chosen.holder === self ? 0 : HELP_MS * (1 + components.place())))
      if (chosen.holder === self) settleDue()
    }
  }

  return {
    counters,
    onTask,
    runs: () => [...runs.values()].map(({ task, epoch }) => ({ task, epoch, term: life, phase: 'running' as const })),
    has: (task) => runs.has(task) || told.has(task),
    start(id) {
      const state = fold.task(id)
      if (state?.task === undefined || runs.has(id) || told.has(id) || state.cancel !== undefined || state.value.state !== 'free') return
      const { value, task, attempts } = state
      const sinceMs = Math.min(EPOCH_TIME_MAX, Math.max(0, clock.wallMs() - task.createdAt))
      const newest = Math.max(value.epoch, ...attempts.filter(({ holder }) => holder === self).map(({ epoch }) => epoch))
      const epoch = Math.max(newest + 1, sinceMs * EPOCH_STEP + Math.floor(random.next() * EPOCH_STEP))
      const run: Run = { task: id, epoch, term: life, attempt: value.attempt, startedAt: clock.wallMs(), cancelled: false, stopped: false }
      runs.set(id, run)
      counters.freeRuns += 1
      tell(run)
      work.start({ task: id, epoch, term: life, attempt: value.attempt, spec: task.spec, author: task.author })
      components.onChange()
    },
    ended(task, epoch, outcome) {
      const run = runs.get(task)
      if (run === undefined || run.epoch !== epoch) return
      runs.delete(task)
      told.set(task, epoch)
      tell(run, run.cancelled && outcome.result !== 'succeeded' ? { ...outcome, result: 'cancelled' } : outcome)
      if (runs.size === 0) for (const callback of emptied.splice(0)) callback()
      components.onChange()
    },
    giveBack() {
      for (const run of runs.values()) end(run, 'shutdown')
      return runs.size === 0 ? Promise.resolve() : new Promise((resolve) => emptied.push(resolve))
    },
    begin() {
      for (const state of fold.tasks()) {
        if (!isAvailable(state)) continue
        onTask(state)
      }
      clock.after(LOOK_MS * random.next(), look)
    },
    stop: () => void (stopped = true),
    freeSinceMs(state, sinceMs) {
      const live = liveRuns(state, fold.termEnded)
      if (live.length === 0 || live.some(({ holder }) => holder === self || (holder !== undefined && components.isAlive(holder)))) {
        silentSince.delete(state.id)
        return live.length === 0 ? sinceMs : Infinity
      }
      const since = silentSince.get(state.id) ?? clock.nowMs()
      silentSince.set(state.id, since)
      return since + Math.max(EXPIRY_MS, leaseLengthMs(state.task?.spec) * 1.1)
    },
  }
}

/** What runs at this node, whatever its mode. */
export function withAvailable(execution: Execution, available: Available): Execution & { counters: Record<string, number> } {
  return {
    ...execution,
    ended(task, epoch, outcome) {
      if (available.has(task)) available.ended(task, epoch, outcome)
      else execution.ended(task, epoch, outcome)
    },
    giveBack: async () => void (await Promise.all([execution.giveBack(), available.giveBack()])),
    runs: () => [...execution.runs(), ...available.runs()],
    busy: () => execution.busy() + available.runs().length,
    has: (task) => execution.has(task) || available.has(task),
    get counters() {
      return { ...execution.counters, ...available.counters }
    },
  }
}
