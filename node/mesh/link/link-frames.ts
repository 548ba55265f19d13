// What a link carries beside its payload, told apart by the first byte of each frame. Everything here is read from
// peers: it is judged and never throws.
import { decode, encode } from '@ipld/dag-cbor'
import * as z from 'zod'
import type { PeerId } from '../../../protocols/ids.ts'
import { isPeerId } from '../../../protocols/ids.ts'

/** Peers in one frame of addresses, and addresses of one peer. */
const ADDRESSED_PEERS_MAX = 64
export const ADDRESSES_MAX = 8

export const TAG = {
  /** Trust records: first on every link, and again when they change. */
  hello: 1,
  /** {code, message}: the last frame before the connection closes. */
  refused: 2,
  payload: 3,
  /** Where peers can be reached. */
  addresses: 4,
  /** The answer to a hello that was taken. */
  welcome: 5,
} as const
export type Tag = (typeof TAG)[keyof typeof TAG]

export type Refusal = { code: string; message: string }
export type Addressed = [peer: PeerId, addresses: string[]]

const refusal = z.looseObject({ code: z.string().max(32), message: z.string().max(500) })
const address = z.string().max(256)
const addressed = z
  .array(z.tuple([z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value)), z.array(address).max(ADDRESSES_MAX)]))
  .max(ADDRESSED_PEERS_MAX)

export function tagged(tag: Tag, body: Uint8Array = new Uint8Array()): Uint8Array {
  const frame = Buffer.allocUnsafe(body.length + 1)
  frame[0] = tag
  frame.set(body, 1)
  return frame
}

export function encodeRefusalBody(value: Refusal): Uint8Array {
  return encode(value)
}

export function decodeRefusal(body: Uint8Array): Refusal {
  return parse(refusal, body) ?? { code: 'refused', message: 'The other node refused without saying why.' }
}

export function encodeAddressesBody(peers: Addressed[]): Uint8Array {
  return encode(peers.slice(0, ADDRESSED_PEERS_MAX).map(([peer, addresses]) => [peer, addresses.slice(0, ADDRESSES_MAX)]))
}

export function decodeAddresses(body: Uint8Array): Addressed[] {
  return parse(addressed, body) ?? []
}

function parse<Body>(schema: z.ZodType<Body>, body: Uint8Array): Body | undefined {
  try {
    return schema.safeParse(decode(body)).data
  } catch {
    return undefined // not DAG-CBOR: a peer's bytes
  }
}
