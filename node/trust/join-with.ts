// The joiner's side of an invite. It believes nothing of the mesh before the genesis record that it is shown hashes
// to the mesh ID in the invite, and it never sends the invite's secret.
import { decode, encode } from '@ipld/dag-cbor'
import type { MeshId } from '../../protocols/ids.ts'
import type { Invite } from '../../protocols/trust.ts'
import { decodeInvite, DOMAIN, joinAnswer, joinChallenge, meshIdOf } from '../../protocols/trust.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { Identity } from './identity.ts'
import { identityFromSeed } from './identity.ts'
import type { JoinChannel } from './invites.ts'
import { joinBytes } from './invites.ts'
import { refusalError } from './refusals.ts'
import type { TrustSet } from './trust-set.ts'

const BROKEN: Record<'not-an-invite' | 'altered' | 'malformed', string> = {
  'not-an-invite': 'That is not an invite: an invite begins with nim1-.',
  altered: 'This invite was altered or cut on its way: its checksum does not fit.',
  malformed: 'This invite was made by a version of Nimbus that this one does not understand.',
}

export type JoinComponents = {
  identity: Pick<Identity, 'peerId'>
  trust: Pick<TrustSet, 'adopt' | 'isMember'>
  random: Pick<Random, 'bytes'>
  /** Opens the join conversation with the invite's redeemer. */
  open(invite: Invite): Promise<JoinChannel & { close(): void }>
}

/** Reads an invite or says which way it is broken. */
export function readInvite(text: string): Invite {
  const invite = decodeInvite(text)
  if (!isBroken(invite)) return invite
  throw new NimbusError(`invite-${invite.invalid}`, BROKEN[invite.invalid], {
    kind: 'refused',
    cure: 'Copy the whole invite again, or ask for a new one.',
  })
}

/** Redeems an invite: afterwards `trust` holds the mesh's root and this node's certificate, durably. */
export async function joinWith(invite: Invite, name: string, { identity, trust, random, open }: JoinComponents): Promise<MeshId> {
  const channel = await open(invite)
  try {
    const nonce = random.bytes(16)
    await channel.write(encode({ v: 1, invite: invite.id, nonce, mesh: invite.mesh }))
    const challenge = received(await channel.read())
    const redeemerNonce = joinChallenge.safeParse(challenge).data?.nonce
    if (redeemerNonce === undefined) throw refusedBy(challenge)
    const proof = identityFromSeed(invite.seed).sign(DOMAIN.join, joinBytes(identity.peerId, invite.redeemer, nonce, redeemerNonce))
    await channel.write(encode({ proof, name }))
    const value = received(await channel.read())
    const answer = joinAnswer.safeParse(value).data
    if (answer?.ok !== true) throw refusedBy(value)
    if (meshIdOf(answer.trust.genesis.body) !== invite.mesh) throw refusalError('wrong-mesh')
    const adopted = await trust.adopt(invite.mesh as MeshId, encode(answer.trust))
    if (!adopted || !trust.isMember(identity.peerId)) throw refusalError('not-a-member')
    return invite.mesh as MeshId
  } finally {
    channel.close()
  }
}

/** An invite may carry fields of a later version, so that `in` alone would not tell the two apart. */
function isBroken(invite: ReturnType<typeof decodeInvite>): invite is { invalid: keyof typeof BROKEN } {
  return !('seed' in invite)
}

function received(frame: Uint8Array | undefined): unknown {
  try {
    if (frame !== undefined) return decode(frame)
  } catch {
    // not DAG-CBOR: said below, as for a connection that closed
  }
  throw new NimbusError('join-broken', 'The other node broke the join conversation off.', {
    kind: 'unreachable',
    cure: 'Try again; if it happens again, ask for a new invite.',
  })
}

function refusedBy(value: unknown): NimbusError {
  const answer = joinAnswer.safeParse(value).data
  return answer?.ok === false ? refusalError(answer.code, answer.message) : refusalError('malformed answer')
}
