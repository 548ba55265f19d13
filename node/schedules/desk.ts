// What people and programs ask about schedules: add, list, look at, pause, remove. It writes through `append` alone.
import type { ScheduleRequest, ScheduleView } from '../../protocols/http/schedules.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { Entry } from '../../protocols/records.ts'
import type { SchedulePlan } from '../../protocols/plan/schedule-records.ts'
import type { Clock } from '../kernel/clock.ts'
import { parseDuration } from '../kernel/durations.ts'
import { NimbusError } from '../kernel/errors.ts'
import { specOf } from '../tasks/task-spec.ts'
import type { Book, Schedule } from './book.ts'
import { readable, tickId } from './ticker.ts'
import { ticksOf } from './ticks.ts'

/** Schedules of the mesh; every node looks at each of them. */
const SCHEDULES_MAX = 1_000
const EVERY_MIN_MS = 1_000
const NEXT_SHOWN = 5
const ACKNOWLEDGE_MS = 1_500
/** Of a task request, what makes no sense in each tick again. */
const NOT_IN_TICKS = ['delay', 'dedupe', 'after', 'afterIndex'] as const

export type DeskComponents = {
  clock: Pick<Clock, 'wallMs'>
  book: Book
  append(entry: Entry): number
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  lastTick(name: string): number | undefined
  hasTask(id: TaskId): boolean
  mayPublish(peer: PeerId): boolean
  nameOf(peer: PeerId): string
  /** @throws NimbusError where this node may not write */
  assertMayWrite(deed: string): void
}
export type Desk = {
  list(): ScheduleView[]
  find(name: string): ScheduleView | undefined
  add(request: ScheduleRequest): Promise<ScheduleView>
  remove(name: string): Promise<void>
  setPaused(name: string, paused: boolean): Promise<ScheduleView>
}

export function createDesk(components: DeskComponents): Desk {
  const { book, clock } = components
  const viewOf = (schedule: Schedule): ScheduleView => {
    const { name, plan, author } = schedule
    const next = readable(schedule)?.after(clock.wallMs(), NEXT_SHOWN) ?? []
    const ticked = Math.max(components.lastTick(name) ?? 0, ...schedule.skipped)
    const id = tickId(name, ticked)
    const isOrphan = !components.mayPublish(author)
    return {
      name,
      state: isOrphan ? 'orphaned' : next.length === 0 ? 'over' : schedule.paused ? 'paused' : 'active',
      ...(plan.cron === undefined ? {} : { cron: plan.cron, timezone: plan.timezone ?? 'UTC' }),
      ...(plan.everyMs === undefined ? {} : { everyMs: plan.everyMs }),
      ...(plan.atMs === undefined ? {} : { at: plan.atMs }),
      overlap: plan.overlap,
      missed: plan.missed,
      author,
      authorName: components.nameOf(author),
      createdAt: plan.from,
      next: isOrphan || schedule.paused ? [] : next,
      ...(ticked === 0 ? {} : { last: { at: ticked, ...(components.hasTask(id) ? { task: id } : {}) } }),
      task: plan.spec,
    }
  }
  const known = (name: string): Schedule => {
    const schedule = book.get(name)
    if (schedule !== undefined) return schedule
    throw new NimbusError('schedule-unknown', `There is no schedule ${name}.`, { kind: 'missing', cure: 'nimbus schedule ls lists them.' })
  }
  const write = (entry: Entry): Promise<unknown> => components.durable(components.append(entry), ACKNOWLEDGE_MS)

  return {
    list: () => book.all().map(viewOf),
    find(name) {
      const schedule = book.get(name)
      return schedule === undefined ? undefined : viewOf(schedule)
    },
    async add(request) {
      components.assertMayWrite('add schedules')
      const { name, replace } = request
      if (book.get(name) !== undefined && !replace)
        throw new NimbusError('schedule-exists', `There is a schedule ${name} already.`, {
          kind: 'refused',
          cure: 'Choose another name, remove it first, or say that it is to be replaced (--replace).',
        })
      if (book.get(name) === undefined && book.all().length >= SCHEDULES_MAX)
        throw new NimbusError('too-many-schedules', `The mesh has ${SCHEDULES_MAX} schedules, which is the limit.`, {
          kind: 'refused',
          cure: 'Remove one: nimbus schedule rm NAME.',
        })
      await write({ kind: 'schedule', name, plan: planOf(request, clock.wallMs()) })
      return viewOf(known(name))
    },
    async remove(name) {
      components.assertMayWrite('remove schedules')
      known(name)
      await write({ kind: 'schedule', name })
    },
    async setPaused(name, paused) {
      components.assertMayWrite(paused ? 'pause schedules' : 'resume schedules')
      if (known(name).paused !== paused) await write({ kind: 'schedule-pause', name, paused })
      return viewOf(known(name))
    },
  }
}

function planOf(request: ScheduleRequest, wallMs: number): SchedulePlan {
  const { cron, timezone, every, at, overlap, missed, task } = request
  const twice = NOT_IN_TICKS.find((key) => task[key] !== undefined)
  if (twice !== undefined)
    throw invalid(`The task of a schedule cannot have ${JSON.stringify(twice)}: it would be the same for each tick.`, 'Leave it out.')
  if (timezone !== undefined && cron === undefined)
    throw invalid('A time zone belongs to a cron line, and there is none.', 'Leave it out, or give the line with --cron.')
  const plan: SchedulePlan = {
    ...(cron === undefined ? {} : { cron, timezone: timezone ?? 'UTC' }),
    ...(every === undefined ? {} : { everyMs: periodOf(every) }),
    ...(at === undefined ? {} : { atMs: typeof at === 'string' ? Date.parse(at) : at }),
    from: wallMs,
    overlap,
    missed,
    spec: specOf(task, wallMs),
  }
  if (ticksOf(plan).after(wallMs, 1).length > 0) return plan
  if (plan.atMs !== undefined)
    throw invalid(`${new Date(plan.atMs).toISOString()} is over; it is ${new Date(wallMs).toISOString()}.`, 'Give a time to come.')
  throw invalid(`The cron line ${JSON.stringify(cron)} never comes true.`, 'Check day and month: there is no 30 February.')
}

function periodOf(every: string | number): number {
  const everyMs = typeof every === 'number' ? every : (parseDuration(every) ?? 0)
  if (everyMs >= EVERY_MIN_MS) return everyMs
  throw invalid(`The period ${JSON.stringify(every)} is shorter than a second.`, 'Give at least 1s; a loop in one task is cheaper.')
}

function invalid(message: string, cure: string): NimbusError {
  return new NimbusError('schedule-invalid', message, { kind: 'usage', cure })
}
