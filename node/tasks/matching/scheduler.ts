// Which task this node tries to claim next: the open tasks by priority, who should try first by the pure match, and its
// turn by rank. Outside events only mark work as due; `evaluate` decides.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Fold, TaskState } from '../fold/fold.ts'
import type { Offer } from './match.ts'
import { mismatch, rank } from './match.ts'
import type { Candidate, TaskClass } from './open-tasks.ts'
import { createOpenTasks } from './open-tasks.ts'
import { notBefore } from '../fold/transitions.ts'

/** Rank r tries after r times this: a claim on a local network has long been chosen by then. */
const RANK_STEP_MS = 25
/** A claim that got no answer is tried again after this. */
const AGAIN_MS = 200
/** Candidates looked at in one evaluation, for each class and priority. */
const LOOK_MAX = 64
const PRIORITY_MAX = 9

export type SchedulerComponents = {
  self: PeerId
  clock: Clock
  fold: Pick<Fold, 'task' | 'termEnded'>
  offers(): readonly Offer[]
  authorName(peer: PeerId): string
  /** Slots that neither run nor claim. */
  freeSlots(): number
  isBusyWith(task: TaskId): boolean
  claim(task: TaskId): void
  /** Ends an open task whose cancel was asked for. */
  cancel(task: TaskId): void
}

export type Scheduler = {
  /** The state of a task changed; keeps or drops it as a candidate. */
  onTask(state: TaskState): void
  /** A claim failed without an answer: the task is tried again later. */
  again(task: TaskId): void
  evaluate(): void
  /** Something changed that may free or block tasks: evaluate soon. */
  wake(): void
  stop(): void
  open(): number
}

export function createScheduler(components: SchedulerComponents): Scheduler {
  const { self, clock, fold } = components
  const open = createOpenTasks()
  let timer: { cancel: Cancel; atMs: number } | undefined
  let queued = false
  let stopped = false

  const isOpen = (state: TaskState): boolean => {
    if (state.task === undefined || state.value.state === 'settled') return false
    const { state: name, holder, term } = state.value
    return name === 'free' || (holder !== undefined && term !== undefined && fold.termEnded(holder, term))
  }
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
  /** The workers that may run a class, or undefined where this node is not among them. */
  const ableFor = (taskClass: TaskClass, offers: readonly Offer[]): Offer[] | undefined => {
    const { task } = taskClass.example
    if (task === undefined) return undefined
    const author = { peer: task.author, name: components.authorName(task.author) }
    const able = offers.filter((offer) => mismatch(task.spec, author, offer) === undefined)
    return able.some((offer) => offer.node === self) ? able : undefined
  }
  const dueMs = (candidate: Candidate, able: readonly Offer[]): number => {
    const state = fold.task(candidate.task)
    const order = rank(candidate.task, able)
    const preferred = state?.value.version === 0 ? state.task?.preferred?.[0] : undefined
    const first =
      preferred !== undefined && able.some((offer) => offer.node === preferred)
        ? [preferred, ...order.filter((node) => node !== preferred)]
        : order
    const place = first.indexOf(self)
    return Math.max(candidate.retryAtMs, candidate.sinceMs + (place < 0 ? first.length : place) * RANK_STEP_MS)
  }

  const endCancelled = (nowMs: number): void => {
    for (const candidate of open.cancelled()) {
      if (components.isBusyWith(candidate.task)) continue
      // Who asked for the cancel ends the task; others help later, in case it is gone.
      const own = fold.task(candidate.task)?.cancel?.author === self
      const place = components.offers().findIndex((offer) => offer.node === self) + 1
      const atMs = Math.max(candidate.retryAtMs, candidate.sinceMs + (own ? 0 : place * 20 * RANK_STEP_MS))
      if (atMs > nowMs) wakeAt(atMs)
      else components.cancel(candidate.task)
    }
  }
  const evaluate = (): void => {
    if (stopped) return
    const nowMs = clock.nowMs()
    endCancelled(nowMs)
    let free = components.freeSlots()
    if (free <= 0) return
    const offers = components.offers()
    const able = [...open.classes()].flatMap((taskClass) => {
      const workers = ableFor(taskClass, offers)
      return workers === undefined ? [] : [{ taskClass, workers }]
    })
    for (let priority = PRIORITY_MAX; priority >= 0; priority--) {
      const candidates = able.flatMap(({ taskClass, workers }) => firstOf(taskClass, priority).map((candidate) => ({ candidate, workers })))
      // Task IDs sort by creation time: the oldest first, across classes.
      candidates.sort((a, b) => (a.candidate.task < b.candidate.task ? -1 : 1))
      for (const { candidate, workers } of candidates) {
        if (free <= 0) return
        if (candidate.cancelled || components.isBusyWith(candidate.task)) continue
        const atMs = dueMs(candidate, workers)
        if (atMs > nowMs) wakeAt(atMs)
        else {
          free -= 1
          components.claim(candidate.task)
        }
      }
    }
  }

  return {
    onTask(state) {
      if (!isOpen(state)) return open.drop(state.id)
      const nowMs = clock.nowMs()
      const dueAtMs = nowMs + Math.max(0, notBefore(state) - clock.wallMs())
      const cancelled = state.cancel !== undefined
      open.put(state, { task: state.id, sinceMs: cancelled ? nowMs : dueAtMs, retryAtMs: cancelled ? nowMs : dueAtMs, cancelled })
      wake()
    },
    again(task) {
      const candidate = open.get(task)
      if (candidate !== undefined) candidate.retryAtMs = clock.nowMs() + AGAIN_MS
      wake()
    },
    evaluate,
    wake,
    stop() {
      stopped = true
      timer?.cancel()
    },
    open: () => open.size(),
  }
}

function firstOf(taskClass: TaskClass, priority: number): Candidate[] {
  const found: Candidate[] = []
  for (const candidate of taskClass.byPriority[priority]?.values() ?? []) {
    found.push(candidate)
    if (found.length >= LOOK_MAX) break
  }
  return found
}
