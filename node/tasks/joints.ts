// Joints: tasks that run nothing (`kind: noop`), the knots of a graph. They take no slot and no process; many are claimed and
// settled by one message each way. The rules are those of every task: held under a valid lease first, then settled by its epoch.
import type { PeerId, TaskId, Term } from '../../protocols/ids.ts'
import type { Outcome, RegisterValue, TaskSpec } from '../../protocols/records.ts'
import { gather } from '../kernel/batching.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Lease } from './claims/lease.ts'
import type { Change, Proposer } from './claims/proposer.ts'
import type { Fold, TaskState } from './fold/fold.ts'
import { claim, conclude } from './fold/transitions.ts'

/** Joints that one node claims and settles at once. */
const IN_FLIGHT_MAX = 1_024
/** Longer than for work: there is no slot that it would block. */
const CLAIM_DEADLINE_MS = 10_000
const SETTLE_TRY_MS = 10_000
const SETTLE_AGAIN_MS = 250

export type JointsComponents = {
  self: PeerId
  clock: Clock
  fold: Pick<Fold, 'task' | 'termEnded'>
  lease: Pick<Lease, 'term' | 'isCurrent' | 'remainingMs' | 'wake'>
  proposer: Pick<Proposer, 'changeAll' | 'forget'>
  /** It was not claimed: it is looked at again later. */
  again(task: TaskId): void
  /** There is room for more. */
  onRoom(): void
  /** One was claimed; `tookMs` from asking until a majority of the keepers granted it. */
  onClaimed(tookMs: number): void
}

export type Joints = {
  claim(task: TaskId): void
  /** This node holds it under a term of its own. */
  hold(task: TaskId, value: RegisterValue): void
  /** The fold has changed. */
  note(state: TaskState): void
  onLeaseValid(): void
  onTermEnded(term: Term): void
  room(): number
  has(task: TaskId): boolean
  /** The terms under which it claims or holds. */
  terms(): ReadonlySet<Term>
  settled(): number
}

/** Whether a task of this kind goes the way of joints; one that needs a place in a limit is claimed like any other. */
export function isJoint(spec: TaskSpec | undefined): boolean {
  return spec?.kind === 'noop' && spec.concurrency === undefined && spec.rate === undefined && spec.claim !== 'available'
}

export function createJoints(components: JointsComponents): Joints {
  const { self, clock, fold, lease, proposer } = components
  /** The term of each; none once it is settled, until the fold says so as well. */
  const inFlight = new Map<TaskId, Term | undefined>()
  const ready = new Map<TaskId, RegisterValue>()
  const settling = new Set<TaskId>()
  let working = 0
  let settledCount = 0

  const roomSoon = gather<void>(components.onRoom)
  const leave = (task: TaskId, isSettled: boolean): void => {
    if (inFlight.get(task) === undefined) return
    working -= 1
    ready.delete(task)
    settling.delete(task)
    // Its last value is on the way into the fold: until then nobody here claims it again.
    if (isSettled && fold.task(task)?.value.state !== 'settled') inFlight.set(task, undefined)
    else inFlight.delete(task)
    roomSoon()
  }
  const enter = (task: TaskId, term: Term): void => {
    if (inFlight.get(task) === undefined) working += 1
    inFlight.set(task, term)
  }

  const claimAll = gather<TaskId>((tasks) => {
    const term = lease.term()
    const askedMs = clock.nowMs()
    lease.wake()
    const recordOf = (task: TaskId): PeerId | undefined => {
      const state = fold.task(task)
      return state?.records === undefined ? undefined : state.task?.author
    }
    for (const [record, group] of Map.groupBy(tasks, recordOf)) {
      const decide = claim({ node: self, term, wallMs: clock.wallMs(), termEnded: fold.termEnded, record })
      proposer.changeAll(group, decide, CLAIM_DEADLINE_MS, (task, change) => {
        if ('changed' in change) components.onClaimed(clock.nowMs() - askedMs)
        claimed(task, change)
      })
    }
  })
  const claimed = (task: string, change: Change): void => {
    const id = task as TaskId
    if ('changed' in change) return hold(id, change.changed)
    if ('refused' in change && change.refused === 'mine') return hold(id, change.current)
    proposer.forget(id)
    leave(id, false)
    components.again(id)
  }

  const hold = (task: TaskId, value: RegisterValue): void => {
    const { term } = value
    // The log tells of a claim once more, when the answers of the seats have told of it already.
    if (term === undefined || settling.has(task) || (inFlight.has(task) && inFlight.get(task) === undefined)) return
    if (!lease.isCurrent(term)) return leave(task, false)
    enter(task, term)
    ready.set(task, value)
    settleSoon()
  }
  /** Settles what is held, as far as the lease of its term is valid now. */
  const settleReady = (): void => {
    const held = [...ready].filter(([, { term }]) => term !== undefined && lease.remainingMs(term) > 0)
    if (held.length < ready.size) lease.wake()
    for (const [task] of held) {
      ready.delete(task)
      settling.add(task)
    }
    const isCancelled = (task: TaskId): boolean => fold.task(task)?.cancel !== undefined
    for (const result of ['succeeded', 'cancelled'] as const) {
      const group = held.filter(([task]) => isCancelled(task) === (result === 'cancelled'))
      for (const [epoch, tasks] of Map.groupBy(group, ([, value]) => value.epoch))
        settle(
          tasks.map(([task]) => task),
          epoch,
          { result, endedAt: clock.wallMs() },
        )
    }
  }
  const settleSoon = gather<void>(settleReady)
  /** Tries until the registers have the outcome or say that this epoch is over. */
  const settle = (tasks: readonly TaskId[], epoch: number, outcome: Outcome): void => {
    const left: TaskId[] = []
    const decide = conclude(epoch, outcome, { attempts: 1 }, 0)
    const late = (): void => settle(left.splice(0).filter(stillHeld), epoch, outcome)
    proposer.changeAll(tasks, decide, SETTLE_TRY_MS, (task, change) => {
      const id = task as TaskId
      if ('unreachable' in change && stillHeld(id)) {
        if (left.push(id) === 1) clock.after(SETTLE_AGAIN_MS, late)
        return
      }
      settledCount += 'changed' in change ? 1 : 0
      proposer.forget(id)
      const isFenced = 'refused' in change && change.refused !== 'done'
      leave(id, !isFenced && !('unreachable' in change))
      // The register may have come back to this node under its next term.
      const value = fold.task(id)?.value
      if (isFenced && value?.state === 'held' && value.holder === self && value.epoch > epoch) hold(id, value)
    })
  }
  const stillHeld = (task: TaskId): boolean => inFlight.get(task) !== undefined

  return {
    claim(task) {
      if (inFlight.has(task)) return
      enter(task, lease.term())
      claimAll(task)
    },
    hold,
    note({ id, value }) {
      if (value.state === 'settled' && inFlight.has(id) && inFlight.get(id) === undefined) inFlight.delete(id)
    },
    onLeaseValid: settleReady,
    onTermEnded(term) {
      for (const [task, value] of ready) if (value.term === term) leave(task, false)
    },
    room: () => IN_FLIGHT_MAX - working,
    has: (task) => inFlight.has(task),
    terms: () => (working === 0 ? NO_TERMS : new Set([...inFlight.values()].filter((term) => term !== undefined))),
    settled: () => settledCount,
  }
}

const NO_TERMS: ReadonlySet<Term> = new Set()
