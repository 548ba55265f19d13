// What the log says of a keeper group's seats.
import * as z from 'zod'
import type { PeerId } from '../ids.ts'
import { isPeerId } from '../ids.ts'

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')

/**
 * The seats of a keeper group from this version on. Where it is `recovered` it counts only from an admin: the majority before it is
 * lost for good. Then it says who did it, why, and which seats were given up.
 */
export const groupRecord = z.looseObject({
  kind: z.literal('group'),
  group: z.literal('default'),
  version: z.int().min(0),
  seats: z.array(peerId).min(1).max(6),
  recovered: z.boolean().optional(),
  by: z.string().min(1).max(128).optional(),
  reason: z.string().max(500).optional(),
  lost: z.array(peerId).max(6).optional(),
})
export type GroupRecord = z.infer<typeof groupRecord>
