// What gossip carries: announcements of at most a few hundred bytes. Nothing relies on one of them arriving.
import { decode, encode } from '@ipld/dag-cbor'
import * as z from 'zod'
import { GOSSIP_BYTES_MAX } from './limits.ts'
import { presence } from './presence.ts'
import { head } from './streams.ts'

/** "My log stands here": lets a node that missed the push ask for it. */
const heads = z.looseObject({ t: z.literal('heads'), heads: z.array(head).max(64) })
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
