// What REST speaks of keeper groups: who keeps the registers, who of them is here, and each time a group went on without its majority.
import * as z from 'zod'

const SEATS_MAX = 5

const seatView = z
  .object({
    peerId: z.string(),
    name: z.string(),
    state: z.enum(['alive', 'suspect', 'dead', 'left']),
    /** Null while it is here, and where this node has heard nothing of it since its own start. */
    awaySince: z.int().nullable(),
  })
  .meta({ id: 'Seat' })
export type SeatView = z.infer<typeof seatView>

const recoveryView = z
  .object({
    version: z.int(),
    at: z.int(),
    /** Who asked for it, and peer ID and name of the worker where. */
    by: z.string(),
    worker: z.string(),
    workerName: z.string(),
    /** Names of the workers that went on, and of those that were given up. */
    seats: z.array(z.string()),
    lost: z.array(z.string()),
    reason: z.string().optional(),
  })
  .meta({ id: 'Recovery' })

export const groupView = z
  .object({
    name: z.string(),
    version: z.int(),
    seats: z.array(seatView),
    reachable: z.int(),
    majority: z.int(),
    /** Oldest first. */
    recoveries: z.array(recoveryView),
  })
  .meta({ id: 'Group' })
export type GroupView = z.infer<typeof groupView>

export const recoverRequest = z
  .strictObject({
    /** Names or peer IDs of the workers that go on; without it the keepers that are here. */
    seats: z.array(z.string().min(1).max(128)).min(1).max(SEATS_MAX).optional(),
    /** It may break promises, so it is refused, with the reason, until the caller says yes. */
    yes: z.boolean().default(false),
    reason: z.string().min(1).max(500).optional(),
  })
  .meta({ id: 'RecoverRequest' })
export type RecoverRequest = z.infer<typeof recoverRequest>
