// Blocks: the unit of a member's signed log. A block is one DAG-CBOR body and one Ed25519 signature over
// "nimbus/block/v1" NUL body. The body's SHA-256 is the next block's `prev`.
import { decode, encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { bytesOf } from './bytes.ts'
import type { PeerId } from './ids.ts'
import { isPeerId } from './ids.ts'
import { BLOCK_BYTES_MAX, BLOCK_ENTRIES_MAX } from './limits.ts'
import type { Entry, UnknownEntry } from './records.ts'
import { entry, KNOWN_KINDS } from './records.ts'

export const BLOCK_DOMAIN = 'nimbus/block/v1\0'

/**
 * One log is (author, epoch); `seq` counts from 1 in it. `hlc` is the author's hybrid logical clock:
 * milliseconds since 1970 times 1024 plus a counter. `before` names the end of the author's log before this one.
 */
export type Block = {
  v: 1
  author: PeerId
  epoch: number
  seq: number
  prev: Uint8Array
  hlc: number
  before?: { epoch: number; seq: number }
  entries: (Entry | UnknownEntry)[]
}

/** A block as it travels and is stored: exactly the bytes that were signed. */
export type SealedBlock = { body: Uint8Array; signature: Uint8Array }

const blockHead = z.looseObject({
  v: z.literal(1),
  author: z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value)),
  epoch: z.int().min(1),
  seq: z.int().min(1),
  prev: bytesOf(32),
  hlc: z.int().min(0),
  before: z.looseObject({ epoch: z.int().min(1), seq: z.int().min(0) }).optional(),
  entries: z
    .array(z.looseObject({ kind: z.string().max(64) }))
    .min(1)
    .max(BLOCK_ENTRIES_MAX),
})

export const FIRST_PREV = new Uint8Array(32)

/** Canonical bytes of a block. */
export function encodeBlock(block: Block): Uint8Array {
  return encode(block)
}

/**
 * Reads a block from a peer's bytes: size, canonical form, schema of the head and of every entry of a known kind.
 * @returns the block, or the reason why it is not one
 */
export function decodeBlock(body: Uint8Array): Block | { invalid: string } {
  if (body.length > BLOCK_BYTES_MAX) return { invalid: `block of ${body.length} bytes is over ${BLOCK_BYTES_MAX}` }
  let value: unknown
  try {
    value = decode(body)
  } catch (error) {
    return { invalid: `not canonical DAG-CBOR: ${(error as Error).message.slice(0, 100)}` }
  }
  const head = blockHead.safeParse(value)
  if (!head.success) return { invalid: `block head: ${head.error.issues[0]?.path.join('.')} ${head.error.issues[0]?.message}` }
  for (const [index, item] of head.data.entries.entries()) {
    if (!KNOWN_KINDS.has(item.kind)) continue
    const checked = entry.safeParse(item)
    if (!checked.success)
      return { invalid: `entry ${index} (${item.kind}): ${checked.error.issues[0]?.path.join('.')} ${checked.error.issues[0]?.message}` }
  }
  return head.data as Block
}

/** A block of this node's own store: its checksum vouches for it, so only the shape is read. */
export function decodeOwnBlock(body: Uint8Array): Block {
  return decode<Block>(body)
}

/** The bytes under a block's signature. */
export function blockSigningBytes(body: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(BLOCK_DOMAIN), body])
}

/** SHA-256 of a block's body: what the next block names as `prev`. */
export function blockDigest(body: Uint8Array): Uint8Array {
  return createHash('sha256').update(body).digest()
}
