// What REST speaks of locks and counters. A lock is held for as long as its answer is open; its events come one a line.
import * as z from 'zod'
import { durationText } from './task-request.ts'

const name = z
  .string()
  .min(1)
  .max(128)
  .regex(/^\P{Cc}+$/u, 'no control characters')
  .refine((value) => value.isWellFormed(), 'no lone surrogate')
export const nameText = name

export const lockRequest = z
  .strictObject({
    /** Give up after this; without it: never. */
    wait: z.union([durationText, z.literal(0)]).optional(),
    /** End the hold after this; without it: when the connection ends. */
    ttl: durationText.optional(),
  })
  .meta({ id: 'LockRequest' })

export const lockView = z
  .object({
    name: z.string(),
    /** Peer ID and name of the worker that holds it for somebody. */
    holder: z.string(),
    holderName: z.string(),
    fence: z.int(),
    since: z.int(),
  })
  .meta({ id: 'Lock' })
export type LockView = z.infer<typeof lockView>

/**
 * `held` and `certain` say for how long from now on nobody else can hold it: who works under the lock ends when that time is over
 * without a further word.
 */
export const lockEvent = z
  .discriminatedUnion('event', [
    z.object({ event: z.literal('waiting'), holder: z.string(), holderName: z.string(), since: z.int() }),
    z.object({ event: z.literal('held'), fence: z.int(), certainMs: z.int() }),
    z.object({ event: z.literal('certain'), certainMs: z.int() }),
    z.object({ event: z.literal('lost'), reason: z.string() }),
    z.object({ event: z.literal('refused'), code: z.string(), message: z.string(), cure: z.string().optional() }),
  ])
  .meta({ id: 'LockEvent' })
export type LockEventView = z.infer<typeof lockEvent>

export const counterView = z.object({ name: z.string(), value: z.int() }).meta({ id: 'Counter' })
export type CounterView = z.infer<typeof counterView>
export const counterAdd = z
  .strictObject({ by: z.int().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER).default(1) })
  .meta({ id: 'CounterAdd' })
