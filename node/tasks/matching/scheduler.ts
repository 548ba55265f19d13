// Which task this node tries to claim next: the open tasks in their order, who should try first by the pure match, and its
// turn by rank. Outside events only mark work as due; `evaluate` decides.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Fold, TaskState } from '../fold/fold.ts'
import { provisionalEnd } from '../fold/free-runs.ts'
import type { Graph } from '../fold/graph.ts'
import { notBefore, queueDeadline } from '../fold/transitions.ts'
import { isJoint } from '../joints.ts'
import { buildAskOf } from '../builds/build-ask.ts'
import { createDueTimes } from './due-times.ts'
import { createJointPatience } from './joint-patience.ts'
import { createEndings, type EndReason } from './endings.ts'
import { mismatch, type Offer } from './match.ts'
import type { TaskClass } from './open-tasks.ts'
import { createOpenTasks, orderOf } from './open-tasks.ts'
import { inOrder } from './ordered-tasks.ts'
import type { Due } from './turns.ts'
import { createTurns, nearestFirst } from './turns.ts'

/** Whether somebody who runs an available task is still here is looked at this often. */
const FREE_LOOK_MS = 1_000
/** Who is not the author helps to end a task after this, times its place among the workers. */
const HELP_STEP_MS = 500
/** A claim that got no answer is tried again after this. */
const AGAIN_MS = 200
/** Of tasks that wait for long, so many for each worker are shared out by whose they are, not by who is first. */
const AHEAD = 2
/** Candidates looked at in one evaluation. */
const LOOK_MAX = 256
/** The wall clock may be set while a delay runs: it is looked at again at least this often. */
const WALL_CHECK_MS = 60_000

export type SchedulerComponents = {
  self: PeerId
  clock: Clock
  fold: Pick<Fold, 'task' | 'termEnded'>
  graph: Pick<Graph, 'isBlocked' | 'brokenBy'>
  offers(): readonly Offer[]
  authorName(peer: PeerId): string
  /** Tasks of a paused pool wait. */
  isPaused(pool: string): boolean
  /** Slots that neither run nor claim. */
  freeSlots(): number
  isBusyWith(task: TaskId): boolean
  /** Whether what runs and is claimed here leaves the resources that a task asks for. */
  hasRoom(spec: TaskSpec): boolean
  /** Of an available task: from when on it is free to be run once more, by the monotonic clock; Infinity while somebody here does. */
  freeSinceMs(state: TaskState, sinceMs: number): number
  /** When the keys and rates of a task let it in, by the monotonic clock; Infinity while only a change of one can. */
  openAtMs(spec: TaskSpec): number
  /** Before this another worker is the one to claim it, by the monotonic clock. */
  notHereBeforeMs?(state: TaskState): number
  claim(task: TaskId): void
  /** How many more joints this node may take, and how it takes one: they need no slot. */
  jointRoom(): number
  claimJoint(task: TaskId): void
  /** Ends an open task that nobody shall run. */
  end(task: TaskId, reason: EndReason): void
}

export type Scheduler = {
  /** The state of a task changed; keeps or drops it as a candidate. */
  onTask(state: TaskState): void
  /** A claim or an end failed without an answer: the task is tried again later. */
  again(task: TaskId): void
  evaluate(): void
  /** Something changed that may free or block tasks: evaluate soon. */
  wake(): void
  stop(): void
  open(): number
}

export function createScheduler(components: SchedulerComponents): Scheduler {
  const { self, clock, fold, graph } = components
  const open = createOpenTasks()
  /** By the wall clock: ends of delays, and of the time in the queue. */
  const later = createDueTimes()
  const endings = createEndings(components.end)
  const turns = createTurns(components)
  let timer: { cancel: Cancel; atMs: number } | undefined
  let queued = false
  let stopped = false

  const patience = createJointPatience({ self, clock, offers: components.offers })
  const wakeAt = (atMs: number): void => {
    if (stopped || (timer !== undefined && timer.atMs <= atMs)) return
    timer?.cancel()
    const cancel = clock.after(Math.max(1, atMs - clock.nowMs()), () => {
      timer = undefined
      evaluate()
    })
    timer = { cancel, atMs }
  }
  const wake = (): void => {
    if (queued || stopped) return
    queued = true
    queueMicrotask(() => {
      queued = false
      evaluate()
    })
  }
  const endOf = (state: TaskState, wallMs: number): EndReason | undefined => {
    if (state.cancel !== undefined) return 'cancel'
    if (state.value.state !== 'free') return undefined
    if (graph.brokenBy(state.id) !== undefined) return 'after'
    if (graph.isBlocked(state.id)) return undefined
    return (queueDeadline(state, fold.task) ?? Infinity) <= wallMs ? 'queue' : undefined
  }
  /** Who asked for the end brings it about; others help later, in case it is gone. */
  const turnMs = (state: TaskState, reason: EndReason): number => {
    const first = reason === 'cancel' ? state.cancel?.author : state.task?.author
    const place = first === self ? 0 : components.offers().findIndex((offer) => offer.node === self) + 1
    return clock.nowMs() + place * HELP_STEP_MS
  }
  const place = (state: TaskState): void => {
    const { id } = state
    const wallMs = clock.wallMs()
    if (!isOpen(state, fold.termEnded)) {
      open.drop(id)
      return endings.drop(id)
    }
    const reason = endOf(state, wallMs)
    if (reason !== undefined) {
      open.drop(id)
      return endings.put(id, reason, turnMs(state, reason))
    }
    endings.drop(id)
    if (graph.isBlocked(id)) return open.drop(id)
    const deadline = queueDeadline(state, fold.task)
    if (deadline !== undefined) later.put(id, deadline)
    const due = Math.max(notBefore(state), patience.until(state))
    if (due > wallMs) {
      later.put(id, due)
      return open.drop(id)
    }
    const nowMs = clock.nowMs()
    open.put(state, { task: id, order: orderOf(state, fold.task), sinceMs: nowMs, retryAtMs: nowMs })
  }
  /** The workers that may run a class, or undefined where this node is not among them. */
  const ableFor = (taskClass: TaskClass, offers: readonly Offer[]): Offer[] | undefined => {
    const { task } = taskClass.example
    if (task === undefined || (task.spec.pool !== undefined && components.isPaused(task.spec.pool))) return undefined
    if (components.openAtMs(task.spec) === Infinity) return undefined
    const author = { peer: task.author, name: components.authorName(task.author) }
    const ask = buildAskOf(taskClass.example)
    const able = offers.filter((offer) => mismatch(task.spec, author, offer, ask) === undefined)
    return able.some((offer) => offer.node === self) ? able : undefined
  }
  const passTimes = (): void => {
    const wallMs = clock.wallMs()
    for (let task = later.take(wallMs); task !== undefined; task = later.take(wallMs)) {
      const state = fold.task(task)
      if (state !== undefined) place(state)
    }
    const next = later.nextMs()
    if (next !== undefined) wakeAt(clock.nowMs() + Math.min(WALL_CHECK_MS, next - wallMs))
    const turn = endings.run(clock.nowMs(), components.isBusyWith)
    if (turn !== undefined) wakeAt(turn)
  }
  const evaluate = (): void => {
    if (stopped) return
    passTimes()
    const free = components.freeSlots()
    const room = components.jointRoom()
    if (free <= 0 && room <= 0) return
    const offers = components.offers()
    const able = [...open.classes()].flatMap((taskClass) => {
      const workers = ableFor(taskClass, offers)
      const joint = isJoint(taskClass.example.task?.spec)
      return workers === undefined ? [] : [{ tasks: taskClass.tasks, workers, joint }]
    })
    const [joints, others] = [able.filter(({ joint }) => joint), able.filter(({ joint }) => !joint)]
    const mine: TaskId[] = []
    take(dueNow(inOrder(joints, room)), room, (task) => void mine.push(task))
    // One comes back by `again` where it cannot be claimed: those under way would only be looked at again and again.
    for (const task of mine) open.drop(task)
    for (const task of mine) components.claimJoint(task)
    const ahead = AHEAD * Math.max(1, ...others.map(({ workers }) => workers.length))
    take(
      nearestFirst(dueNow(inOrder(others, LOOK_MAX)), ahead, ({ candidate: { task }, from }) => turns.place(task, from.workers)),
      free,
      components.claim,
    )
  }
  type Listed = Due<{ workers: Offer[] }>
  /** Those whose turn it is here now; the clock is set for the others. */
  const dueNow = function* (candidates: Iterable<Listed>): Generator<Listed> {
    const nowMs = clock.nowMs()
    for (const listed of candidates) {
      const { candidate, from } = listed
      if (components.isBusyWith(candidate.task)) continue
      const state = fold.task(candidate.task)
      const spec = state?.task?.spec
      const elsewhereMs = state === undefined ? 0 : (components.notHereBeforeMs?.(state) ?? 0)
      const openMs = spec === undefined ? 0 : Math.max(elsewhereMs, components.openAtMs(spec))
      if (openMs === Infinity || (spec !== undefined && !components.hasRoom(spec))) continue
      const atMs = turns.dueMs(candidate, from.workers, openMs)
      if (atMs <= nowMs) yield listed
      else wakeAt(atMs === Infinity ? nowMs + FREE_LOOK_MS : atMs)
    }
  }
  /** Claims, in this order, what is this node's turn now; at most `limit`. */
  const take = (candidates: Iterable<Listed>, limit: number, claim: (task: TaskId) => void): void => {
    let left = limit
    if (left <= 0) return
    for (const { candidate } of candidates) {
      const spec = fold.task(candidate.task)?.task?.spec
      // What was claimed a moment ago may have taken the room, or the key.
      if (spec !== undefined && (!components.hasRoom(spec) || components.openAtMs(spec) > clock.nowMs())) continue
      left -= 1
      claim(candidate.task)
      if (left <= 0) return
    }
  }

  return {
    onTask(state) {
      patience.note(state)
      place(state)
      wake()
    },
    again(task) {
      const retryAtMs = clock.nowMs() + AGAIN_MS
      const candidate = open.get(task)
      if (candidate !== undefined) candidate.retryAtMs = retryAtMs
      else later.put(task, clock.wallMs() + AGAIN_MS)
      endings.again(task, retryAtMs)
      wake()
    },
    evaluate,
    wake,
    stop() {
      stopped = true
      timer?.cancel()
    },
    open: () => open.size() + endings.size(),
  }
}

function isOpen(state: TaskState, termEnded: Fold['termEnded']): boolean {
  const { task, value } = state
  if (task === undefined || value.state === 'settled') return false
  if (value.state === 'free') return provisionalEnd(state) === undefined
  return value.holder !== undefined && value.term !== undefined && termEnded(value.holder, value.term)
}
