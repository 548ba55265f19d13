// Makes the task of each tick. There is no leader: every node would write it, each after a delay of its own, and who finds it there
// writes nothing. Where two write it all the same (a partition), both derived the same ID: one task. Time only through the clock.
import { createHash } from 'node:crypto'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { onceId } from '../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../protocols/records.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import type { TaskState } from '../tasks/fold/fold.ts'
import type { Book, Schedule } from './book.ts'
import type { Ticks } from './ticks.ts'
import { ticksOf } from './ticks.ts'

/** A tick found later than this was missed: nobody was there. */
const ON_TIME_MS = 60_000
const MISSED_MAX_MS = 24 * 3_600_000
/** A node that was away hears first what the others did meanwhile. */
const MISSED_DELAY_MS = 5_000
/** Between two members that may write the same tick; more than a block takes to travel. */
const RANK_DELAY_MS = 150
const RANK_MAX = 20
/** Wall clocks are set, machines sleep: it is looked at this often, whatever the timers say. */
const LOOK_MS = 30_000
const JUMP_MS = 1_000
/** Schedules in one turn of the event loop; those that are left come in the next one. */
const LOOKED_MAX = 100
/** Ticks of one schedule that are made at one look; the oldest of a fast one that stood still are left out. */
const TICKS_MAX = 60

export type TickerComponents = {
  self: PeerId
  clock: Clock
  book: Book
  publishOnce(spec: TaskSpec): unknown
  append(entry: Entry): number
  task(id: TaskId): Pick<TaskState, 'task' | 'value'> | undefined
  mayPublish(peer: PeerId): boolean
  /** Members that are alive and may write, this one among them. */
  writers(): readonly PeerId[]
  nameOf(peer: PeerId): string
  onError(error: unknown): void
}
export type Ticker = {
  start(): void
  stop(): void
  /** A schedule may have changed. */
  changed(name: string): void
  /** A task that is new or has changed. @returns the schedule, where it is its newest tick so far */
  noteTask(state: Pick<TaskState, 'id' | 'task' | 'value'>): string | undefined
  /** The newest tick of a schedule that has a task. */
  lastTick(name: string): number | undefined
}

export function tickId(name: string, at: number): TaskId {
  return onceId({ schedule: { id: name, at } }) as TaskId
}

export function createTicker(components: TickerComponents): Ticker {
  const { self, clock, book, task } = components
  const last = new Map<string, number>()
  const open = new Map<string, Map<TaskId, number>>()
  const pending = new Map<TaskId, Cancel>()
  /** When each schedule has to be looked at again: reckoning all of them at every tick would take too long. */
  const dueAt = new Map<string, number>()
  let reckonedMs = 0
  let cancelLook: Cancel = () => {}
  let running = false

  /** The author's own node first: others publish in its stead only. Undefined where this node may not write at all. */
  const rankDelayMs = (id: TaskId, author: PeerId): number | undefined => {
    const weight = (node: PeerId): string => (node === author ? '' : createHash('sha256').update(id).update(node).digest('hex'))
    const ranked = components.writers().map((node) => [weight(node), node] as const)
    const rank = ranked.sort(([a], [b]) => (a < b ? -1 : 1)).findIndex(([, node]) => node === self)
    return rank < 0 ? undefined : Math.min(rank, RANK_MAX) * RANK_DELAY_MS
  }
  const isDone = ({ name, skipped }: Schedule, at: number): boolean => skipped.has(at) || task(tickId(name, at))?.task !== undefined
  const mayTick = (schedule: Schedule | undefined, at: number): schedule is Schedule =>
    schedule !== undefined &&
    !schedule.paused &&
    at > schedule.plan.from &&
    at >= schedule.changedAt &&
    components.mayPublish(schedule.author)

  const tick = (name: string, at: number): void => {
    // Much may have happened in the delay: it is asked anew.
    const schedule = book.get(name)
    if (!mayTick(schedule, at) || isDone(schedule, at)) return
    const { plan, author } = schedule
    const isBusy = [...(open.get(name)?.values() ?? [])].some((earlier) => earlier < at)
    if (plan.overlap === 'skip' && isBusy) components.append({ kind: 'schedule-skip', name, at })
    else components.publishOnce({ ...plan.spec, notBefore: at, schedule: { id: name, at, author, authorName: components.nameOf(author) } })
  }
  const later = ({ name, author }: Schedule, at: number, delayMs: number): void => {
    const id = tickId(name, at)
    const rankMs = rankDelayMs(id, author)
    if (pending.has(id) || rankMs === undefined) return
    const cancel = clock.after(delayMs + rankMs, () => {
      pending.delete(id)
      try {
        if (running) tick(name, at)
      } catch (error) {
        components.onError(error)
      }
    })
    pending.set(id, cancel)
  }
  /** @returns when this schedule ticks next */
  const look = (schedule: Schedule, nowMs: number): number | undefined => {
    if (schedule.paused || !components.mayPublish(schedule.author)) return undefined
    const ticks = readable(schedule)
    const latest = ticks?.latest(nowMs)
    for (const at of latest === undefined || ticks === undefined ? [] : dueTicks(ticks, latest, nowMs)) {
      if (mayTick(schedule, at) && !isDone(schedule, at)) later(schedule, at, 0)
    }
    if (latest !== undefined && isMissed(schedule, latest, nowMs)) later(schedule, latest, MISSED_DELAY_MS)
    return ticks?.after(nowMs, 1)[0]
  }
  const isMissed = (schedule: Schedule, at: number, nowMs: number): boolean =>
    schedule.plan.missed === 'latest' &&
    at <= nowMs - ON_TIME_MS &&
    at > nowMs - MISSED_MAX_MS &&
    at > (last.get(schedule.name) ?? 0) &&
    mayTick(schedule, at) &&
    !isDone(schedule, at)
  const lookAround = (): void => {
    cancelLook()
    const nowMs = clock.wallMs()
    const offsetMs = nowMs - clock.nowMs()
    // A wall clock that was set changes all that was reckoned.
    if (Math.abs(offsetMs - reckonedMs) > JUMP_MS) dueAt.clear()
    reckonedMs = offsetMs
    let nextMs = nowMs + LOOK_MS
    let looked = 0
    for (const name of book.names()) {
      let due = dueAt.get(name) ?? 0
      if (due <= nowMs && looked < LOOKED_MAX) {
        looked += 1
        const schedule = book.get(name)
        due = (schedule === undefined ? undefined : look(schedule, nowMs)) ?? Infinity
        dueAt.set(name, due)
      }
      nextMs = Math.min(nextMs, due)
    }
    if (running) cancelLook = clock.after(Math.max(1, nextMs - nowMs), lookAround)
  }

  return {
    start() {
      running = true
      lookAround()
    },
    stop() {
      running = false
      cancelLook()
      for (const cancel of pending.values()) cancel()
      pending.clear()
    },
    changed(name) {
      dueAt.delete(name)
      if (!running) return
      cancelLook()
      // After the block that told of it has been taken in.
      cancelLook = clock.after(0, lookAround)
    },
    noteTask({ id, task: body, value }) {
      const schedule = body?.spec.schedule
      if (schedule === undefined) return undefined
      const isNewest = schedule.at > (last.get(schedule.id) ?? 0)
      if (isNewest) last.set(schedule.id, schedule.at)
      const tasks = open.get(schedule.id) ?? new Map<TaskId, number>()
      if (value.state === 'settled') tasks.delete(id)
      else tasks.set(id, schedule.at)
      if (tasks.size === 0) open.delete(schedule.id)
      else open.set(schedule.id, tasks)
      return isNewest ? schedule.id : undefined
    },
    lastTick: (name) => last.get(name),
  }
}

/** Ticks of the last minute. */
function dueTicks(ticks: Ticks, latest: number, nowMs: number): number[] {
  const due: number[] = []
  let at: number | undefined = nowMs - ON_TIME_MS
  // One by one: most lines have a single one, and each costs.
  while (at < latest && due.length < TICKS_MAX && (at = ticks.after(at, 1)[0]) !== undefined && at <= nowMs) due.push(at)
  return due
}

/** Another version may have let through a line that this one cannot read: it has no ticks here. */
export function readable({ plan }: Pick<Schedule, 'plan'>): Ticks | undefined {
  try {
    return ticksOf(plan)
  } catch {
    return undefined // who adds a schedule is told; here nobody is left to tell
  }
}
