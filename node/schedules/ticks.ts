// When a schedule ticks. Pure: plan and times in, times out. A tick is a moment (milliseconds since 1970), so that an hour that
// comes twice has two of them. Cron lines follow croner: one with a fixed time of day that falls into a skipped hour runs at the
// first moment after it, and once where the hour comes twice; all others run at each real moment that matches.
import { Cron } from 'croner'
import type { SchedulePlan } from '../../protocols/plan/schedule-records.ts'
import { NimbusError } from '../kernel/errors.ts'

export type Ticks = {
  /** Up to `count` ticks after a time. */
  after(timeMs: number, count: number): number[]
  /** The last tick up to and including a time. */
  latest(timeMs: number): number | undefined
}

type Timing = Pick<SchedulePlan, 'cron' | 'timezone' | 'everyMs' | 'atMs' | 'from'>

const compiled = new WeakMap<Timing, Ticks>()

/** @throws NimbusError `schedule-invalid` where line or zone cannot be read */
export function ticksOf(plan: Timing): Ticks {
  const known = compiled.get(plan)
  if (known !== undefined) return known
  const { cron, timezone, everyMs, atMs, from } = plan
  const bare = cron !== undefined ? cronTicks(cron, timezone) : everyMs !== undefined ? periodTicks(everyMs, from) : oneTick(atMs)
  const ticks: Ticks = {
    after: (timeMs, count) => bare.after(Math.max(timeMs, from), count),
    latest(timeMs) {
      const tick = bare.latest(timeMs)
      return tick !== undefined && tick > from ? tick : undefined
    },
  }
  compiled.set(plan, ticks)
  return ticks
}

function cronTicks(line: string, timezone = 'UTC'): Ticks {
  assertZone(timezone)
  const job = read(line, timezone)
  return {
    after: (timeMs, count) => job.nextRuns(count, new Date(timeMs)).map(Number),
    latest(timeMs) {
      // Runs before a moment, to the second: the moment itself belongs to them here.
      const [run] = job.previousRuns(1, new Date(Math.floor(timeMs / 1000) * 1000 + 1000))
      return run === undefined || Number(run) > timeMs ? undefined : Number(run)
    },
  }
}

function read(line: string, timezone: string): Cron {
  const fields = line.trim().split(/\s+/).length
  if (!line.startsWith('@') && fields !== 5 && fields !== 6) throw unreadable(line, `it has ${fields} fields, not five or six`)
  try {
    return new Cron(line, { timezone, mode: '5-or-6-parts', paused: true })
  } catch (error) {
    throw unreadable(line, (error as Error).message.replace(/^Cron\w+: /, '').replace(/\.$/, ''), error)
  }
}

function unreadable(line: string, reason: string, cause?: unknown): NimbusError {
  return new NimbusError('schedule-invalid', `The cron line ${JSON.stringify(line)} cannot be read: ${reason}.`, {
    kind: 'usage',
    cure: 'Write minute hour day month weekday, as in 30 2 * * 1-5, or @daily; six fields begin with seconds.',
    cause,
  })
}

function assertZone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone })
  } catch (error) {
    throw new NimbusError('schedule-invalid', `There is no time zone ${JSON.stringify(timezone)}.`, {
      kind: 'usage',
      cure: 'Give one by its IANA name, such as Europe/Berlin or UTC.',
      cause: error,
    })
  }
}

function periodTicks(everyMs: number, from: number): Ticks {
  return {
    after(timeMs, count) {
      const first = Math.floor((timeMs - from) / everyMs) + 1
      return Array.from({ length: count }, (_, n) => from + (first + n) * everyMs)
    },
    latest: (timeMs) => (timeMs < from ? undefined : from + Math.floor((timeMs - from) / everyMs) * everyMs),
  }
}

function oneTick(atMs = 0): Ticks {
  return {
    after: (timeMs, count) => (atMs > timeMs && count > 0 ? [atMs] : []),
    latest: (timeMs) => (atMs <= timeMs ? atMs : undefined),
  }
}
