// Invites at their issuer, who is also the only one that redeems them: so a partition cannot spend one twice. The
// invite's secret is an Ed25519 seed that never travels; the joiner signs with it, bound to both peers and both nonces.
import { decode, encode } from '@ipld/dag-cbor'
import type { ZodType } from 'zod'
import type { PeerId } from '../../protocols/ids.ts'
import { base32 } from '../../protocols/ids.ts'
import type { MemberRole, RefusalCode } from '../../protocols/trust.ts'
import { DOMAIN, encodeInvite, joinHello, joinProof } from '../../protocols/trust.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { Identity } from './identity.ts'
import { identityFromSeed } from './identity.ts'
import type { InviteBook, KeptInvite } from './invite-book.ts'
import { peerIdOf, publicKeyOf } from './peer-keys.ts'
import { refusalMessage } from './refusals.ts'
import type { TrustSet } from './trust-set.ts'

const FAILURES_MAX = 5
const FAILURES_WINDOW_MS = 60_000
/** Addresses whose failures are counted; the one that failed longest ago is forgotten first. */
const ADDRESSES_MAX = 1024

/** One frame each way at a time, each at most 8 kB: the border of the join conversation. */
export type JoinChannel = { read(): Promise<Uint8Array | undefined>; write(frame: Uint8Array): Promise<void> }

export type InvitesComponents = {
  identity: Pick<Identity, 'peerId' | 'verifyPeer'>
  trust: Pick<TrustSet, 'mesh' | 'issue' | 'roleOf' | 'isMember' | 'isGone' | 'encodeChain'>
  book: InviteBook
  psk: Uint8Array
  clock: Pick<Clock, 'wallMs' | 'nowMs'>
  random: Pick<Random, 'bytes'>
}

export type Invites = {
  issue(wish: { role: MemberRole; uses: number; expiresMs: number; addresses: string[] }): Promise<{ invite: string; expiresAt: number }>
  /** True while an invite is kept: only then may strangers speak the join protocol. */
  open(): boolean
  /** The redeemer's side of a join; answers the refusal, or undefined where the joiner is now a member. */
  redeem(joiner: PeerId, remoteAddress: string, channel: JoinChannel): Promise<RefusalCode | undefined>
}

export function createInvites({ identity, trust, book, psk, clock, random }: InvitesComponents): Invites {
  const failures = new Map<string, number[]>()
  const recentFailures = (address: string): number[] =>
    (failures.get(address) ?? []).filter((at) => clock.nowMs() - at < FAILURES_WINDOW_MS)
  const countFailure = (address: string): void => {
    const recent = recentFailures(address)
    failures.delete(address)
    if (failures.size >= ADDRESSES_MAX) failures.delete(failures.keys().next().value as string)
    failures.set(address, [...recent, clock.nowMs()])
  }

  const check = (invite: KeptInvite | undefined, joiner: PeerId): RefusalCode | undefined => {
    if (invite === undefined) return 'invite-unknown'
    if (invite.usedBy.includes(joiner)) return undefined // the same joiner again: it lost our answer, and gets the same one
    if (invite.expiresAt <= clock.wallMs()) return 'invite-expired'
    return invite.usedBy.length >= invite.uses ? 'invite-used' : undefined
  }

  const converse = async (joiner: PeerId, channel: JoinChannel): Promise<RefusalCode | undefined> => {
    const hello = read(joinHello, await channel.read())
    if (hello === undefined) return 'invite-proof'
    if (hello.mesh !== trust.mesh()) return 'wrong-mesh'
    if (trust.isGone(joiner)) return 'removed'
    const invite = book.find(hello.invite)
    const refusal = check(invite, joiner)
    if (refusal !== undefined || invite === undefined) return refusal
    const nonce = random.bytes(16)
    await channel.write(encode({ v: 1, nonce }))
    const answer = read(joinProof, await channel.read())
    const proven = joinBytes(joiner, identity.peerId, hello.nonce, nonce)
    if (answer === undefined || !identity.verifyPeer(peerIdOf(invite.publicKey), DOMAIN.join, proven, answer.proof)) return 'invite-proof'
    const late = check(invite, joiner) // another joiner may have come between
    if (late !== undefined) return late
    await book.use(invite, joiner) // durable before the certificate exists: a crash in between costs a use, never gives one
    if (!trust.isMember(joiner)) await trust.issue(joiner, answer.name, invite.role, invite.id)
    await channel.write(encode({ ok: true, trust: decode(trust.encodeChain(joiner)) }))
    return undefined
  }

  return {
    async issue({ role, uses, expiresMs, addresses }) {
      if (trust.roleOf(identity.peerId) !== 'admin') {
        throw new NimbusError('not-admin', 'Only an admin of the mesh can invite others, and this node is not one.', {
          kind: 'refused',
          cure: 'Run `nimbus invite` on an admin node.',
        })
      }
      const seed = random.bytes(32)
      const publicKey = publicKeyOf(identityFromSeed(seed).peerId) ?? new Uint8Array()
      const expiresAt = clock.wallMs() + expiresMs
      const id = base32(random.bytes(10))
      await book.add({ id, publicKey, role, uses, usedBy: [], expiresAt }, clock.wallMs())
      return {
        invite: encodeInvite({ v: 1, mesh: trust.mesh(), id, seed, psk, redeemer: identity.peerId, addresses, role, expiresAt }),
        expiresAt,
      }
    },
    open: () => book.size() > 0,
    async redeem(joiner, remoteAddress, channel) {
      const refusal = recentFailures(remoteAddress).length >= FAILURES_MAX ? 'busy' : await converse(joiner, channel)
      if (refusal === undefined) return undefined
      if (refusal !== 'busy') countFailure(remoteAddress)
      await channel.write(encode({ ok: false, code: refusal, message: refusalMessage(refusal) }))
      return refusal
    },
  }
}

/** What the joiner signs: both ends and both nonces, so that the proof is worth nothing anywhere else. */
export function joinBytes(joiner: PeerId, redeemer: PeerId, joinerNonce: Uint8Array, redeemerNonce: Uint8Array): Uint8Array {
  return encode([joiner, redeemer, joinerNonce, redeemerNonce])
}

function read<Body>(schema: ZodType<Body>, frame: Uint8Array | undefined): Body | undefined {
  try {
    return frame === undefined ? undefined : schema.safeParse(decode(frame)).data
  } catch {
    return undefined // not DAG-CBOR: a stranger's bytes
  }
}
