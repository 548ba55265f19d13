// Tokens for people and programs as they stand in the logs (decision 0031): what one may and until when, and of its text the hash alone.
import { encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { bytesOf } from '../bytes.ts'
import type { PeerId, TokenId } from '../ids.ts'
import { base32, isTokenId, timeText } from '../ids.ts'

const tokenId = z.custom<TokenId>((value) => typeof value === 'string' && isTokenId(value), 'not an ID of a token')
/** `custom` holds the verbs that it names; `operator` may do what the operator may, and names none. */
export const tokenRole = z.enum(['viewer', 'developer', 'operator', 'custom'])
export type TokenRole = z.infer<typeof tokenRole>

export const tokenRecord = z.looseObject({
  kind: z.literal('token'),
  id: tokenId,
  createdAt: z.int().min(0),
  nonce: bytesOf(16),
  name: z.string().min(1).max(64),
  /** SHA-256 of its secret part. */
  hash: bytesOf(32),
  role: tokenRole,
  /** Those that this version does not know open nothing. */
  verbs: z.array(z.string().max(64)).max(64),
  expiresAt: z.int().min(0),
})
export type TokenRecord = z.infer<typeof tokenRecord>

/** Never taken back. */
export const tokenRevocation = z.looseObject({ kind: z.literal('token-revoked'), token: tokenId })

/** All that the ID of a token binds beside its author. */
export type TokenContent = Pick<TokenRecord, 'createdAt' | 'nonce' | 'name' | 'hash' | 'role' | 'verbs' | 'expiresAt'>

/** So that nobody can write a second, wider record under the ID of a token. */
export function idOfToken(author: PeerId, { createdAt, nonce, name, hash, role, verbs, expiresAt }: TokenContent): TokenId {
  const bound = createHash('sha256').update(`nimbus/token/v1\0${author}\0${createdAt}\0`).update(nonce)
  bound.update(encode([name, hash, role, verbs, expiresAt]))
  return (timeText(createdAt) + base32(bound.digest().subarray(0, 10))) as TokenId
}
