// Schedules, as members sign them. The newest record of a name counts (by HLC, then author); the ticks themselves are tasks
// whose ID follows from schedule and time.
import * as z from 'zod'
import { taskSpec } from '../tasks/task-spec.ts'
import { scheduleName } from './names.ts'

const timeMs = z.int().min(0)

const plan = z.looseObject({
  /** Exactly one of them: a cron line in a time zone, a period counted from `from`, one moment. */
  cron: z.string().min(1).max(256).optional(),
  timezone: z.string().min(1).max(64).optional(),
  everyMs: z.int().min(1).optional(),
  atMs: timeMs.optional(),
  /** Ticks come after this. */
  from: timeMs,
  /** Whether a tick comes while the task of an earlier one is open. */
  overlap: z.enum(['allow', 'skip']),
  /** What becomes of ticks that passed while nobody was there: nothing, or one task for the latest. */
  missed: z.enum(['skip', 'latest']),
  spec: taskSpec,
})
export type SchedulePlan = z.infer<typeof plan>

/** Without a plan the schedule is removed. */
export const scheduleRecord = z.looseObject({ kind: z.literal('schedule'), name: scheduleName, plan: plan.optional() })
/** Counts for the plan before it only. */
export const pauseRecord = z.looseObject({ kind: z.literal('schedule-pause'), name: scheduleName, paused: z.boolean() })
/** A tick that was left out, because an earlier task was open: nobody makes it up. */
export const skipRecord = z.looseObject({ kind: z.literal('schedule-skip'), name: scheduleName, at: timeMs })
