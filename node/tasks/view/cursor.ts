// The cursor of the event stream: a version vector in a few bytes a log. It means the same on every node, so a client that
// lost its node goes on at any other.
import { decode, encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { bytesOf } from '../../../protocols/bytes.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Head } from '../../../protocols/streams.ts'

const PEER_BYTES = 8
const CURSOR_CHARACTERS_MAX = 64 * 1024
const shape = z.array(z.tuple([bytesOf(PEER_BYTES), z.int().min(1), z.int().min(0)])).max(5_000)
const short = new Map<PeerId, Uint8Array>()

function shortOf(peer: PeerId): Uint8Array {
  let bytes = short.get(peer)
  if (bytes === undefined) {
    bytes = new Uint8Array(createHash('sha256').update(peer).digest().subarray(0, PEER_BYTES))
    short.set(peer, bytes)
  }
  return bytes
}

export function encodeCursor(heads: readonly Head[]): string {
  return Buffer.from(encode(heads.map(([author, epoch, seq]) => [shortOf(author), epoch, seq]))).toString('base64url')
}

/** How far the cursor has seen a log: 0 for one it does not know. Undefined where it is no cursor. */
export function decodeCursor(cursor: string): ((author: PeerId, epoch: number) => number) | undefined {
  if (cursor.length > CURSOR_CHARACTERS_MAX) return undefined
  try {
    const parsed = shape.safeParse(decode(Buffer.from(cursor, 'base64url')))
    if (!parsed.success) return undefined
    const seen = new Map(parsed.data.map(([peer, epoch, seq]) => [`${Buffer.from(peer).toString('hex')}/${epoch}`, seq]))
    return (author, epoch) => seen.get(`${Buffer.from(shortOf(author)).toString('hex')}/${epoch}`) ?? 0
  } catch {
    return undefined // text that is no cursor: the caller says resync
  }
}
