// What gossip carries: announcements of at most a few hundred bytes. Nothing relies on one of them arriving.
import { decode, encode } from '@ipld/dag-cbor'
import * as z from 'zod'
import type { PeerId } from './ids.ts'
import { isPeerId } from './ids.ts'
import { GOSSIP_BYTES_MAX } from './limits.ts'
import { head } from './streams.ts'

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value))

/** The status that a node says of itself; the higher (epoch, version) wins. Load in percent of all cores. */
export const presence = z.looseObject({
  t: z.literal('presence'),
  node: peerId,
  epoch: z.int().min(1),
  version: z.int().min(0),
  state: z.enum(['active', 'draining', 'leaving']),
  freeSlots: z.int().min(0),
  load: z.int().min(0).max(10_000),
  memoryFreeMb: z.int().min(0),
})
export type Presence = z.infer<typeof presence>

/** "My log stands here": lets a node that missed the push ask for it. */
export const heads = z.looseObject({ t: z.literal('heads'), heads: z.array(head).max(64) })
export const gossipMessage = z.discriminatedUnion('t', [presence, heads])
export type GossipMessage = z.infer<typeof gossipMessage>

/** The one topic of a mesh: few topics, so that gossipsub's maps stay small. */
export function topicOf(mesh: string): string {
  return `/nimbus/${mesh}/1`
}

export function encodeGossip(message: GossipMessage): Uint8Array {
  return encode(message)
}

export function decodeGossip(bytes: Uint8Array): GossipMessage | { invalid: string } {
  if (bytes.length > GOSSIP_BYTES_MAX) return { invalid: 'too large' }
  try {
    const parsed = gossipMessage.safeParse(decode(bytes))
    return parsed.success ? parsed.data : { invalid: `${parsed.error.issues[0]?.path.join('.')} ${parsed.error.issues[0]?.message}` }
  } catch (error) {
    return { invalid: (error as Error).message.slice(0, 100) }
  }
}
