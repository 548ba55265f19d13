// The trust root: who is a member, on every node the same, and nobody by anything but a chain of signatures.
import { decode, encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import type { Identity } from '../../../node/trust/identity.ts'
import { identityFromSeed } from '../../../node/trust/identity.ts'
import type { TrustSet } from '../../../node/trust/trust-set.ts'
import { createTrustSet } from '../../../node/trust/trust-set.ts'
import type { MeshId } from '../../../protocols/ids.ts'
import type { Certificate, TrustSet as TrustRecords } from '../../../protocols/trust.ts'
import { DOMAIN } from '../../../protocols/trust.ts'

const people = Array.from({ length: 8 }, (_, number) => identityFromSeed(new Uint8Array(32).fill(number + 1)))
const [founder, admin, member, mallory, other] = people as [Identity, Identity, Identity, Identity, Identity]
let now = 1_700_000_000_000

function trustOf(identity: Identity, saved: Uint8Array[] = []): TrustSet {
  const store = {
    load: async () => saved.at(-1),
    save: async (bytes: Uint8Array) => void saved.push(bytes),
  }
  const clock = { wallMs: () => ++now }
  return createTrustSet({ identity, clock, random: createSeededRandom(7), store, onError: (error) => expect.fail(String(error)) })
}

/** A mesh of founder, one admin and one member, with each one's own view of it. */
async function smallMesh(): Promise<{ byFounder: TrustSet; byAdmin: TrustSet; mesh: MeshId }> {
  const byFounder = trustOf(founder)
  const mesh = await byFounder.found('box')
  await byFounder.issue(admin.peerId, 'box', 'admin', 'i1')
  const byAdmin = trustOf(admin)
  expect(await byAdmin.adopt(mesh, byFounder.encode())).toBe(true)
  await byAdmin.issue(member.peerId, 'box', 'member', 'i2')
  expect(byFounder.merge(byAdmin.encode())).toMatchObject({ changed: true, refused: 0 })
  return { byFounder, byAdmin, mesh }
}

/** A trust set with one record more, signed by whom the test likes. */
function forged(
  base: Uint8Array,
  signer: Identity,
  body: Partial<Certificate> & { mesh: string },
  domain: string = DOMAIN.certificate,
): Uint8Array {
  const records = decode<TrustRecords>(base)
  const bytes = encode({
    v: 1,
    subject: mallory.peerId,
    name: 'mallory',
    role: 'admin',
    issuer: signer.peerId,
    issuedAt: now,
    invite: 'x',
    ...body,
  })
  return encode({ ...records, certificates: [...records.certificates, { body: bytes, signature: signer.sign(domain, bytes) }] })
}

test('founder, admin and member stand in the order in which they joined, each with its role', async () => {
  const { byFounder, byAdmin } = await smallMesh()
  expect(byFounder.members().map(({ peerId, name, role }) => [peerId, name, role])).toEqual([
    [founder.peerId, 'box', 'admin'],
    [admin.peerId, 'box', 'admin'],
    [member.peerId, 'box', 'member'],
  ])
  expect(byAdmin.digest()).toBe(byFounder.digest())
})

test('what was saved comes back, and a record is durable before it is answered', async () => {
  const saved: Uint8Array[] = []
  const first = trustOf(founder, saved)
  await first.found('box')
  await first.issue(member.peerId, 'other', 'viewer', 'i1')
  const again = trustOf(founder, saved)
  expect(await again.load()).toBe(true)
  expect(again.digest()).toBe(first.digest())
  expect(again.roleOf(member.peerId)).toBe('viewer')
})

test('a member cannot certify anybody, and neither can a stranger, whatever it writes into the certificate', async () => {
  const { byFounder, mesh } = await smallMesh()
  const before = byFounder.digest()
  for (const bytes of [
    forged(byFounder.encode(), member, { mesh }),
    forged(byFounder.encode(), mallory, { mesh }),
    forged(byFounder.encode(), mallory, { mesh, issuer: founder.peerId }),
    forged(byFounder.encode(), founder, { mesh: 'x'.repeat(52) }),
    forged(byFounder.encode(), founder, { mesh }, DOMAIN.removal),
  ]) {
    expect(byFounder.merge(bytes)).toMatchObject({ changed: false, refused: 1 })
  }
  expect(byFounder.isMember(mallory.peerId)).toBe(false)
  expect(byFounder.digest()).toBe(before)
  await expect(trustOf(member).issue(mallory.peerId, 'm', 'admin', '')).rejects.toMatchObject({ code: 'no-mesh' })
})

test('a removed admin keeps those it had certified, and can certify nobody after, not even with an old date', async () => {
  const { byFounder, byAdmin, mesh } = await smallMesh()
  await byFounder.remove(admin.peerId, [[1, 10]])
  expect(byFounder.isMember(admin.peerId)).toBe(false)
  expect(byFounder.isMember(member.peerId)).toBe(true)
  byFounder.merge(forged(byAdmin.encode(), admin, { mesh, issuedAt: 5 }))
  expect(byFounder.isMember(mallory.peerId)).toBe(false)
  expect(byFounder.cutOf(admin.peerId)).toEqual(new Map([[1, 10]]))
})

test('a removed member does not come back under its key, and the founder can only leave', async () => {
  const { byFounder, byAdmin } = await smallMesh()
  await byFounder.remove(member.peerId, [])
  await byFounder.issue(member.peerId, 'again', 'admin', 'i9')
  expect(byFounder.isMember(member.peerId)).toBe(false)
  await expect(byAdmin.remove(founder.peerId, [])).rejects.toMatchObject({ code: 'trust-refused' })
  await byFounder.leave([[1, 3]])
  expect(byFounder.members()[0]).toMatchObject({ peerId: founder.peerId, left: true })
  expect(byFounder.isMember(admin.peerId)).toBe(true)
})

test('a chain of certificates alone proves a membership, also two links below the founder', async () => {
  const { byFounder, mesh } = await smallMesh()
  for (const person of people.slice(4)) await byFounder.issue(person.peerId, 'more', 'member', '')
  const fresh = trustOf(other)
  expect(await fresh.adopt(mesh, byFounder.encodeChain(member.peerId))).toBe(true)
  expect(fresh.isMember(member.peerId)).toBe(true)
  expect(fresh.isMember(other.peerId)).toBe(false)
  expect(byFounder.encodeChain(member.peerId).length).toBeLessThan(1500)
})

test('parts of a set, in any order, make the same set', async () => {
  const { byFounder, mesh } = await smallMesh()
  await byFounder.remove(admin.peerId, [[1, 2]])
  const parts = byFounder.encodeParts(400)
  expect(parts.length).toBeGreaterThan(2)
  const fresh = trustOf(other)
  await fresh.adopt(mesh, parts[0] as Uint8Array)
  for (let pass = 0; pass < 2; pass++) for (const part of parts.toReversed()) fresh.merge(part)
  expect(fresh.digest()).toBe(byFounder.digest())
  expect(fresh.members()).toEqual(byFounder.members())
})

test('a set of another mesh is not adopted and not merged', async () => {
  const { byFounder, mesh } = await smallMesh()
  const foreign = trustOf(mallory)
  await foreign.found('evil')
  expect(await trustOf(other).adopt(mesh, foreign.encode())).toBe(false)
  expect(byFounder.merge(foreign.encode())).toMatchObject({ changed: false, wrongMesh: true })
})

test('no mutation of a trust set makes a member that is not one: 20,000 mutated sets', async () => {
  const { byFounder, mesh } = await smallMesh()
  const honest = new Set(byFounder.members().map((one) => one.peerId))
  const base = forged(byFounder.encode(), mallory, { mesh, issuer: founder.peerId })
  const edit = fc.record({ at: fc.nat(base.length - 1), value: fc.integer({ min: 0, max: 255 }) })
  const mutated = fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
    const bytes = Uint8Array.from(base)
    for (const { at, value } of edits) bytes[at] = value
    byFounder.merge(bytes)
    return byFounder.members().every((one) => honest.has(one.peerId))
  })
  expect(fc.check(mutated, { numRuns: 20_000, seed: 42 })).toMatchObject({ failed: false, numRuns: 20_000 })
}, 60_000)

test('any bytes at all get a verdict and never an exception', () => {
  return smallMesh().then(({ byFounder }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(byFounder.merge(bytes).changed).toBe(false)
      }),
      { numRuns: 2000, seed: 42 },
    )
  })
})
