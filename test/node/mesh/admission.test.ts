// Who gets in and who does not: each refusal is counted at the listener and has its own message for the refused.
import { expect, test } from 'vitest'
import { createSystemRandom } from '../../../node/kernel/random.ts'
import { joinWith, readInvite } from '../../../node/trust/join-with.ts'
import type { MeshId } from '../../../protocols/ids.ts'
import type { Invite } from '../../../protocols/trust.ts'
import { encodeInvite } from '../../../protocols/trust.ts'
import type { Member } from './support.ts'
import { certifiedMember, createMember, createMembers, until } from './support.ts'

const random = createSystemRandom()
const psk = random.bytes(32)

async function inviteOf(founder: Member, wish: { uses?: number; expiresMs?: number } = {}): Promise<Invite> {
  const { invite } = await founder.invites.issue({
    role: 'member',
    uses: wish.uses ?? 1,
    expiresMs: wish.expiresMs ?? 60_000,
    addresses: founder.host.addresses(),
  })
  return readInvite(invite)
}

/** A node that holds the key of the mesh, as from an invite, and nothing else. */
function guest(invite: Invite): Promise<Member> {
  return createMember({ psk: invite.psk, mesh: invite.mesh as MeshId })
}

function join(member: Member, invite: Invite, name = 'guest'): Promise<MeshId> {
  return joinWith(invite, name, {
    identity: member.identity,
    trust: member.trust,
    random,
    open: (one) => member.host.openJoin(one.addresses),
  })
}

test('a guest redeems an invite, links, and both know each other as members', async () => {
  const founder = await createMember({ psk })
  const invite = await inviteOf(founder)
  const joiner = await guest(invite)
  expect(await join(joiner, invite, 'box')).toBe(founder.trust.mesh())
  expect(await joiner.host.dial(invite.addresses)).toBe(founder.host.self)
  await until(() => founder.host.peers().includes(joiner.host.self), 'the founder sees the link')
  expect(founder.trust.members().map((member) => [member.name, member.role])).toEqual([
    ['founder', 'admin'],
    ['box', 'member'],
  ])
  await until(() => joiner.trust.digest() === founder.trust.digest(), 'the same trust root on both')
})

test('the same guest may repeat a join and gets the same answer; another guest does not', async () => {
  const founder = await createMember({ psk })
  const invite = await inviteOf(founder)
  const joiner = await guest(invite)
  await join(joiner, invite)
  const before = founder.trust.digest()
  await join(joiner, invite)
  expect(founder.trust.digest()).toBe(before)
  await expect(join(await guest(invite), invite)).rejects.toMatchObject({
    code: 'invite-used',
    kind: 'refused',
    message: 'This invite was already used as often as it allows.',
  })
  expect(founder.host.refusedCounts()).toMatchObject({ 'invite-used': 1 })
})

test('two guests race for one use: exactly one gets in', async () => {
  const founder = await createMember({ psk })
  const invite = await inviteOf(founder)
  const guests = [await guest(invite), await guest(invite)]
  const outcomes = await Promise.allSettled(guests.map((one) => join(one, invite)))
  expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
  expect(founder.trust.members()).toHaveLength(2)
})

test('an expired, an unknown and a wrongly proven invite are each refused with their own message', async () => {
  const founder = await createMember({ psk })
  const expired = await inviteOf(founder, { expiresMs: -1 })
  await expect(join(await guest(expired), expired)).rejects.toMatchObject({ code: 'invite-expired', message: 'This invite has expired.' })
  const unknown = { ...(await inviteOf(founder)), id: 'nosuchinvite' }
  await expect(join(await guest(unknown), unknown)).rejects.toMatchObject({ code: 'invite-unknown' })
  const forged = { ...(await inviteOf(founder)), seed: new Uint8Array(32).fill(9) }
  await expect(join(await guest(forged), forged)).rejects.toMatchObject({ code: 'invite-proof' })
  expect(founder.host.refusedCounts()).toMatchObject({ 'invite-expired': 1, 'invite-unknown': 1, 'invite-proof': 1 })
  expect(founder.trust.members()).toHaveLength(1)
})

test('an altered invite is refused before anything is sent', async () => {
  const founder = await createMember({ psk })
  const text = encodeInvite(await inviteOf(founder))
  const at = Math.floor(text.length / 2)
  const altered = text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1)
  expect(() => readInvite(altered)).toThrow('This invite was altered or cut on its way: its checksum does not fit.')
  expect(() => readInvite('hello')).toThrow('That is not an invite: an invite begins with nim1-.')
})

test('a guest with an invite of another mesh stops before it believes anything', async () => {
  const [founder, other] = [await createMember({ psk }), await createMember({ psk })]
  const invite = { ...(await inviteOf(other)), mesh: founder.trust.mesh() }
  await expect(join(await guest(invite), invite)).rejects.toMatchObject({ code: 'wrong-mesh' })
})

test('after five failures from one address a minute, even a good invite has to wait', async () => {
  const founder = await createMember({ psk })
  const good = await inviteOf(founder)
  const bad = { ...good, id: 'nosuchinvite' }
  for (let tries = 0; tries < 5; tries++) await expect(join(await guest(bad), bad)).rejects.toMatchObject({ code: 'invite-unknown' })
  await expect(join(await guest(good), good)).rejects.toMatchObject({ code: 'busy', kind: 'busy' })
})

test('a node with another pre-shared key does not get a connection, and is told what may be wrong', async () => {
  const founder = await createMember({ psk })
  const stranger = await createMember({ psk: random.bytes(32) })
  await expect(stranger.host.dial(founder.host.addresses())).rejects.toMatchObject({ code: 'handshake', kind: 'refused' })
  await until(() => founder.host.refusedCounts().handshake === 1, 'counted at the listener')
  expect(founder.host.peers()).toEqual([])
})

test('a node with the key but without a certificate is refused by name', async () => {
  const founder = await createMember({ psk })
  const guestOnly = await createMember({ psk, trustBytes: founder.trust.encode(), mesh: founder.trust.mesh() })
  await expect(guestOnly.host.dial(founder.host.addresses())).rejects.toMatchObject({
    code: 'not-a-member',
    message: 'This node has no certificate of that mesh.',
  })
  const otherMesh = await createMember({ psk })
  await expect(otherMesh.host.dial(founder.host.addresses())).rejects.toMatchObject({
    code: 'wrong-mesh',
    message: 'That node belongs to another mesh.',
  })
  expect(founder.host.refusedCounts()).toMatchObject({ 'not-a-member': 1, 'wrong-mesh': 1 })
  expect(founder.host.peers()).toEqual([])
})

test('a removed member hears why, loses its link, and is refused when it comes back', async () => {
  const founder = await createMember({ psk })
  const member = await certifiedMember(founder, psk, 'box')
  await member.host.dial(founder.host.addresses())
  await until(() => founder.host.peers().length === 1, 'linked')
  const heard: string[] = []
  member.host.events.on('refused', ({ code }) => heard.push(code))
  await founder.trust.remove(member.host.self, [[1, 7]])
  await until(() => heard.length > 0 && founder.host.peers().length === 0, 'the link ends')
  expect(heard).toEqual(['removed'])
  expect(founder.trust.cutOf(member.host.self)).toEqual(new Map([[1, 7]]))
  await expect(member.host.dial(founder.host.addresses())).rejects.toThrow(/ended/)
  expect(founder.host.refusedCounts().removed).toBeGreaterThan(0)
})

test('a member that was removed while away is told so when it dials again', async () => {
  const [founder, member] = await createMembers(2)
  if (founder === undefined || member === undefined) throw new Error('two members')
  await founder.trust.remove(member.host.self, [])
  await expect(member.host.dial(founder.host.addresses())).rejects.toMatchObject({ code: 'removed', kind: 'refused' })
  // It was told once; from now on the door closes before it can say anything.
  await expect(member.host.dial(founder.host.addresses())).rejects.toMatchObject({ kind: 'unreachable' })
  expect(founder.host.refusedCounts().removed).toBe(2)
})

test('strangers that say nothing are closed after three seconds, and an honest member gets in at once meanwhile', async () => {
  const founder = await createMember({ psk })
  const silent = await Promise.all(Array.from({ length: 20 }, () => createMember({ psk, mesh: founder.trust.mesh() })))
  const invite = await inviteOf(founder)
  const channels = await Promise.allSettled(silent.map((one) => one.host.openJoin(invite.addresses)))
  expect(channels.length).toBe(20)
  const member = await certifiedMember(founder, psk, 'honest')
  await member.host.dial(founder.host.addresses())
  await until(() => (founder.host.refusedCounts().full ?? 0) >= 4, 'those beyond the limit are closed at once')
  await until(() => (founder.host.refusedCounts().timeout ?? 0) >= 16, 'the silent ones are closed')
})
