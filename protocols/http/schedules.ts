// Schedules as REST speaks of them. Times are milliseconds since 1970.
import * as z from 'zod'
import { scheduleName } from '../plan/names.ts'
import { durationText, taskRequest } from './task-request.ts'

export const scheduleRequest = z
  .strictObject({
    name: scheduleName,
    /** Five fields, or six with seconds first; `@daily` and its like. */
    cron: z.string().min(1).max(256).optional(),
    /** An IANA zone for `cron`, UTC where none is given. */
    timezone: z.string().min(1).max(64).optional(),
    every: durationText.optional(),
    /** One moment: milliseconds since 1970, or ISO 8601 with an offset. */
    at: z.union([z.int().min(0), z.iso.datetime({ offset: true })]).optional(),
    overlap: z.enum(['allow', 'skip']).default('allow'),
    missed: z.enum(['skip', 'latest']).default('latest'),
    /** Takes the place of a schedule of this name. */
    replace: z.boolean().default(false),
    task: taskRequest,
  })
  .refine(({ cron, every, at }) => [cron, every, at].filter((one) => one !== undefined).length === 1, {
    path: ['cron'],
    message: 'exactly one of cron, every and at',
  })
  .meta({ id: 'ScheduleRequest' })
export type ScheduleRequest = z.infer<typeof scheduleRequest>

export const scheduleView = z
  .object({
    name: z.string(),
    /** `orphaned`: its author may not publish any more. `over`: no tick will come. */
    state: z.enum(['active', 'paused', 'orphaned', 'over']),
    cron: z.string().optional(),
    timezone: z.string().optional(),
    everyMs: z.int().optional(),
    at: z.int().optional(),
    overlap: z.enum(['allow', 'skip']),
    missed: z.enum(['skip', 'latest']),
    author: z.string(),
    authorName: z.string(),
    createdAt: z.int(),
    /** The next five ticks. */
    next: z.array(z.int()),
    /** The newest tick that is known, and its task; a tick without one was left out. */
    last: z.object({ at: z.int(), task: z.string().optional() }).optional(),
    task: z.looseObject({ argv: z.array(z.string()) }),
  })
  .meta({ id: 'Schedule' })
export type ScheduleView = z.infer<typeof scheduleView>
