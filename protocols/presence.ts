// The status that a node says of itself: by gossip when it changes, over the link when two nodes meet.
import * as z from 'zod'
import type { PeerId } from './ids.ts'
import { isPeerId } from './ids.ts'

/** The higher (epoch, version) wins. `load` in percent of all cores. */
export const presence = z.looseObject({
  t: z.literal('presence'),
  node: z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value)),
  epoch: z.int().min(1),
  version: z.int().min(0),
  state: z.enum(['active', 'draining', 'leaving']),
  freeSlots: z.int().min(0),
  load: z.int().min(0).max(100_000),
  memoryFreeMb: z.int().min(0),
})
export type Presence = z.infer<typeof presence>
