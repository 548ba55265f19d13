// Tokens are the same in whatever order their entries come, nobody widens one, and what is forgotten is refused.
import { describe, expect, test } from 'vitest'
import type { TokenRecord } from '../../../../protocols/access/token-records.ts'
import { idOfToken } from '../../../../protocols/access/token-records.ts'
import type { PeerId, TokenId } from '../../../../protocols/ids.ts'
import { createTokenBook } from '../../../../node/tasks/tokens/token-book.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'
import { createTokenRoom } from './token-room.ts'

const ALICE = `12D3Koo${'a'.repeat(45)}` as PeerId
const BOB = `12D3Koo${'b'.repeat(45)}` as PeerId
const REQUEST = { name: 'ci', role: 'viewer', expires: '1h' } as const

describe('a token', () => {
  test('opens what its role says, at every member where its maker is an admin, and only whole', async () => {
    const clock = createVirtualClock()
    const bob = createTokenRoom(BOB, { clock })
    const alice = createTokenRoom(ALICE, { clock, others: [bob] })
    const { token, id } = await alice.desk.create(REQUEST)
    expect(token).toMatch(new RegExp(`^nimu-${id}-[A-Za-z0-9_-]{43}$`))
    expect(JSON.stringify(alice.log), 'of the secret only a hash is kept').not.toContain(token.slice(-43))
    for (const { desk } of [alice, bob])
      expect(desk.check(token)).toMatchObject({
        name: 'ci',
        role: 'viewer',
        verbs: ['mesh.read', 'task.read', 'repo.read', 'knowledge.read'],
      })
    const other = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`
    for (const wrong of [other, `nimu-${id}-`, id, '', `nimu-${'0'.repeat(26)}-${token.slice(-43)}`])
      expect(bob.desk.check(wrong)).toBeUndefined()
  })

  test('of a member that is no admin counts at that member alone, and an admin that is none any more takes its tokens along', async () => {
    const clock = createVirtualClock()
    const admins = new Set<PeerId>([ALICE])
    const isAdmin = (peer: PeerId): boolean => admins.has(peer)
    const alice = createTokenRoom(ALICE, { clock, isAdmin })
    const bob = createTokenRoom(BOB, { clock, isAdmin, others: [alice] })
    const made = await bob.desk.create({ ...REQUEST, role: 'operator' })
    expect(made.at).toBe('name of bbbb')
    expect(bob.desk.check(made.token)).toMatchObject({ role: 'operator' })
    expect(() => alice.desk.check(made.token)).toThrow(expect.objectContaining({ code: 'token-elsewhere' }))
    admins.add(BOB)
    alice.desk.start()
    const grant = alice.desk.check(made.token)
    expect(grant?.ended.aborted).toBe(false)
    admins.delete(BOB)
    clock.advance(1_000)
    expect(grant?.ended.aborted, 'what is open with it is told').toBe(true)
    expect(() => alice.desk.check(made.token)).toThrow(expect.objectContaining({ code: 'token-elsewhere' }))
    alice.desk.stop()
  })

  test('ends at its time, and at once where it is revoked by any member', async () => {
    const clock = createVirtualClock()
    const bob = createTokenRoom(BOB, { clock })
    const alice = createTokenRoom(ALICE, { clock, others: [bob] })
    const [short, long] = [await alice.desk.create({ ...REQUEST, expires: '10s' }), await alice.desk.create(REQUEST)]
    bob.desk.start()
    const grants = [bob.desk.check(short.token), bob.desk.check(long.token)]
    clock.advance(10_500)
    await Promise.resolve() // the sweep of that time ends, and the next one is set
    clock.advance(1_000)
    expect(grants.map((grant) => grant?.ended.aborted)).toEqual([true, false])
    expect(() => bob.desk.check(short.token)).toThrow(expect.objectContaining({ code: 'token-expired' }))
    await alice.desk.revoke(long.id)
    expect(grants[1]?.ended.aborted).toBe(true)
    expect(() => bob.desk.check(long.token)).toThrow(expect.objectContaining({ code: 'token-revoked' }))
    expect(new Map(bob.desk.list().map(({ id, state }) => [id, state]))).toEqual(
      new Map([
        [short.id, 'expired'],
        [long.id, 'revoked'],
      ]),
    )
    bob.desk.stop()
  })

  test('lives from a second to ninety days, and a name that two have is no name of one', async () => {
    const { desk } = createTokenRoom(ALICE)
    for (const expires of ['91d', '10ms', 0.5] as const)
      await expect(desk.create({ ...REQUEST, expires })).rejects.toMatchObject({ code: 'token-life' })
    await expect(desk.revoke('ci')).rejects.toMatchObject({ code: 'token-unknown' })
    await desk.create(REQUEST)
    const { id } = await desk.create(REQUEST)
    await expect(desk.revoke('ci')).rejects.toMatchObject({ code: 'token-ambiguous' })
    expect((await desk.revoke(id)).state).toBe('revoked')
    expect((await desk.revoke('ci')).state).toBe('revoked')
  })
})

describe('the book', () => {
  const contentOf = (at: number) => ({
    createdAt: 1_700_000_000_000 + at,
    nonce: new Uint8Array(16).fill(at % 256),
    name: `token ${at}`,
    hash: new Uint8Array(32),
    role: 'viewer' as const,
    verbs: ['task.read'],
    expiresAt: 1_800_000_000_000,
  })
  const recordOf = (at: number): TokenRecord => ({
    kind: 'token',
    id: idOfToken(ALICE, contentOf(at)),
    ...contentOf(at),
  })

  test('takes no second record under an ID, none of another author, none from the future', async () => {
    const room = createTokenRoom(ALICE)
    const { id } = await room.desk.create(REQUEST)
    const { entry, block: signed } = room.log[0]!
    const fresh = createTokenBook(() => {})
    for (const wider of [
      { role: 'operator' },
      { verbs: ['task.publish'] },
      { expiresAt: 9e15 },
      { hash: new Uint8Array(32) },
      { name: 'other' },
    ])
      fresh.part.apply({ ...entry, ...wider }, signed)
    fresh.part.apply(entry, { ...signed, author: BOB })
    fresh.part.apply(entry, { ...signed, hlc: 1 })
    expect(fresh.all()).toEqual([])
    fresh.part.apply(entry, signed)
    expect(fresh.find(id as TokenId)?.record).toEqual(entry)
  })

  test('is the same in any order; of what falls out nothing counts, not even where its revocation fell out before', async () => {
    const room = createTokenRoom(ALICE)
    await room.desk.create(REQUEST)
    const signed = { ...room.log[0]!.block }
    const records = Array.from({ length: 4_100 }, (_, at) => recordOf(at))
    const forward = createTokenBook(() => {})
    const backward = createTokenBook(() => {})
    const entries = records.flatMap((record) => [record, { kind: 'token-revoked' as const, token: record.id }])
    for (const entry of entries) forward.part.apply(entry, signed)
    for (const entry of entries.toReversed()) backward.part.apply(entry, signed)
    expect(forward.part.state()).toEqual(backward.part.state())
    expect(forward.all()).toHaveLength(2_000)
    expect(records.every(({ id }) => forward.isRevoked(id))).toBe(true)
    expect(forward.isRevoked(recordOf(5_000).id)).toBe(false)
  })
})
