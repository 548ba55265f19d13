// Who may be here: the genesis record, membership certificates, removals, invites. All are signed records: DAG-CBOR
// bytes and an Ed25519 signature over the record's domain, NUL, bytes. There is no algorithm field to confuse.
import { decode, encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { bytesOf, bytesUpTo } from './bytes.ts'
import type { MeshId, PeerId } from './ids.ts'
import { base32, fromBase32, isPeerId } from './ids.ts'

export const DOMAIN = {
  genesis: 'nimbus/genesis/v1\0',
  certificate: 'nimbus/certificate/v1\0',
  removal: 'nimbus/removal/v1\0',
  join: 'nimbus/join/v1\0',
  lastWords: 'nimbus/last-words/v1\0',
  presence: 'nimbus/presence/v1\0',
} as const

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')

/** `admin` may invite and remove members; `member` may publish and run tasks; `viewer` may only look. */
export const memberRole = z.enum(['admin', 'member', 'viewer'])
export type MemberRole = z.infer<typeof memberRole>

/** The root of a mesh. Its hash is the mesh ID; the founder is the first admin. */
export const genesis = z.looseObject({ v: z.literal(1), founder: peerId, createdAt: z.int().min(0), nonce: bytesOf(16) })
export type Genesis = z.infer<typeof genesis>

/** A member: certified by an admin whose own certificate (or the genesis) vouches for it. */
export const certificate = z.looseObject({
  v: z.literal(1),
  mesh: z.string().length(52),
  subject: peerId,
  name: z.string().min(1).max(64),
  role: memberRole,
  issuer: peerId,
  issuedAt: z.int().min(0),
  invite: z.string().max(32),
})
export type Certificate = z.infer<typeof certificate>

/** A member that left (signed by itself) or was removed (signed by an admin). It never comes back under this key. */
export const removal = z.looseObject({
  v: z.literal(1),
  mesh: z.string().length(52),
  subject: peerId,
  issuer: peerId,
  at: z.int().min(0),
  left: z.boolean(),
  /** Blocks of the subject beyond these heads are refused: [epoch, seq]. */
  cut: z.array(z.tuple([z.int(), z.int()])).max(1000),
  /**
   * Of a removed admin: the certificates it issued that stay valid, as the first 12 bytes of the SHA-256 of their bodies.
   * A date would not do: who holds the key can date a certificate back. Several removals of one subject add up.
   */
  keeps: z.array(bytesOf(12)).max(400).optional(),
})
export type Removal = z.infer<typeof removal>

/** A signed record as it is stored and sent. */
export const signed = z.looseObject({ body: bytesUpTo(8192), signature: bytesOf(64) })
export type Signed = z.infer<typeof signed>

/** What one member tells another of the trust root, first on every connection. */
export const trustSet = z.looseObject({ genesis: signed, certificates: z.array(signed).max(5000), removals: z.array(signed).max(5000) })
export type TrustSet = z.infer<typeof trustSet>

export function meshIdOf(genesisBody: Uint8Array): MeshId {
  return base32(createHash('sha256').update(DOMAIN.genesis).update(genesisBody).digest()) as MeshId
}

/**
 * What an invite carries. It is redeemed only at `redeemer`, by a joiner that proves to hold `seed` without sending
 * it. `psk` is the mesh's pre-shared key: the listener demands it before anything else.
 */
export const invite = z.looseObject({
  v: z.literal(1),
  mesh: z.string().length(52),
  id: z.string().min(8).max(32),
  seed: bytesOf(32),
  psk: bytesOf(32),
  redeemer: peerId,
  addresses: z.array(z.string().max(256)).min(1).max(16),
  role: memberRole,
  expiresAt: z.int().min(0),
})
export type Invite = z.infer<typeof invite>

const INVITE_PREFIX = 'nim1-'

/** The text that a person copies: `nim1-` and base32 of the invite and 6 bytes of its checksum. */
export function encodeInvite(value: Invite): string {
  const body = encode(value)
  const sum = createHash('sha256').update(body).digest().subarray(0, 6)
  return INVITE_PREFIX + base32(Buffer.concat([sum, body]))
}

/** Reads an invite; says which of the three ways it is broken. */
export function decodeInvite(text: string): Invite | { invalid: 'not-an-invite' | 'altered' | 'malformed' } {
  const trimmed = text.trim()
  if (!trimmed.startsWith(INVITE_PREFIX) || trimmed.length > 8192) return { invalid: 'not-an-invite' }
  const raw = fromBase32(trimmed.slice(INVITE_PREFIX.length).toLowerCase())
  if (raw === undefined || raw.length < 7) return { invalid: 'altered' }
  const body = raw.subarray(6)
  const sum = createHash('sha256').update(body).digest().subarray(0, 6)
  if (Buffer.compare(sum, raw.subarray(0, 6)) !== 0) return { invalid: 'altered' }
  try {
    const parsed = invite.safeParse(decode(body))
    return parsed.success ? parsed.data : { invalid: 'malformed' }
  } catch {
    return { invalid: 'malformed' } // checksum is right, so it was made by a different version: not an error of ours
  }
}

/** The join conversation, one DAG-CBOR frame each way, at most 8 kB. */
export const joinHello = z.looseObject({ v: z.literal(1), invite: z.string().max(32), nonce: bytesOf(16), mesh: z.string().length(52) })
export const joinChallenge = z.looseObject({ v: z.literal(1), nonce: bytesOf(16) })
/** `proof` signs (joiner, redeemer, joiner's nonce, redeemer's nonce) with the invite's seed. */
export const joinProof = z.looseObject({ proof: bytesOf(64), name: z.string().min(1).max(64) })
export const REFUSALS = [
  'invite-unknown',
  'invite-used',
  'invite-expired',
  'invite-proof',
  'wrong-mesh',
  'not-a-member',
  'removed',
  'busy',
] as const
export type RefusalCode = (typeof REFUSALS)[number]
export const joinAnswer = z.union([
  z.looseObject({ ok: z.literal(true), trust: trustSet }),
  z.looseObject({ ok: z.literal(false), code: z.enum(REFUSALS), message: z.string().max(500) }),
])

/**
 * "My term has ended": signed by a node in advance and sent by its guardian after the node died and its work was
 * ended. It lets the keepers permit takeover before the lease runs out.
 */
export const lastWords = z.looseObject({ v: z.literal(1), mesh: z.string().length(52), node: peerId, term: z.string().max(64) })
export type LastWords = z.infer<typeof lastWords>
