// Locks that a node holds for a session, as REST speaks of them.
import * as z from 'zod'

const LOCK_WAIT_MS_MAX = 60_000
const LOCK_HOLD_MS_MAX = 3_600_000

export const takeLock = z
  .strictObject({
    /** Milliseconds: how long to wait for it, and how long to hold it. */
    wait: z.int().min(0).max(LOCK_WAIT_MS_MAX).default(0),
    ttl: z.int().min(1_000).max(LOCK_HOLD_MS_MAX).default(600_000),
  })
  .meta({ id: 'TakeLock' })

/** `fence` grows with each hold: what the holder writes elsewhere can be told from what an earlier one wrote. */
export const heldLock = z
  .object({ held: z.boolean(), fence: z.int().optional(), holdSeconds: z.number().optional(), holder: z.string().optional() })
  .meta({ id: 'HeldLock' })
export type HeldLock = z.infer<typeof heldLock>
