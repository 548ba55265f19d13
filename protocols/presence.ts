// The status that a node says of itself: over its links when it changes; where not every two members are linked, others pass
// it on with its signature over "nimbus/presence/v1" NUL and the bytes.
import { decode, encode } from '@ipld/dag-cbor'
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

export function encodePresence(value: Presence): Uint8Array {
  return encode(value)
}

/** What a member said of itself; undefined where it is anything else. */
export function decodePresence(bytes: Uint8Array): Presence | undefined {
  try {
    return presence.safeParse(decode(bytes)).data
  } catch {
    return undefined // not canonical DAG-CBOR: the caller drops it like any other shape
  }
}
