// Secrets of the mesh as they stand in the logs: one body, encrypted, and its key sealed to each worker that may open it. Nobody
// else can read them; what is in the clear is the name, the version and who may.
import * as z from 'zod'
import { bytesOf, bytesUpTo } from '../bytes.ts'
import type { PeerId } from '../ids.ts'
import { isPeerId } from '../ids.ts'
import { SECRET_BYTES_MAX, SECRET_READERS_MAX } from '../limits.ts'

const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/)
const reader = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')
/** HPKE in auth mode: the encapsulated key, and the key of the body sealed with it. */
export const sealedKey = z.looseObject({ to: reader, enc: bytesOf(32), key: bytesOf(48) })
export type SealedKey = z.infer<typeof sealedKey>

/** The public X25519 key of the author, to which others seal. */
export const sealingKeyRecord = z.looseObject({ kind: z.literal('sealing-key'), key: bytesOf(32) })

/** A value of a secret. The highest (version, id) counts; with `removed` there is none. */
export const secretRecord = z.looseObject({
  kind: z.literal('secret'),
  name,
  version: z.int().min(1),
  id: bytesOf(16),
  /** AES-256-GCM: 12 bytes of nonce, the text, 16 bytes of tag. */
  box: bytesUpTo(SECRET_BYTES_MAX + 28).optional(),
  sealed: z.array(sealedKey).max(SECRET_READERS_MAX),
  removed: z.boolean().optional(),
})
export type SecretRecord = z.infer<typeof secretRecord>

/** Further workers may open that value. */
export const grantRecord = z.looseObject({
  kind: z.literal('secret-grant'),
  name,
  version: z.int().min(1),
  id: bytesOf(16),
  sealed: z.array(sealedKey).min(1).max(SECRET_READERS_MAX),
})
export type GrantRecord = z.infer<typeof grantRecord>
