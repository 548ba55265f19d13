// The book of secrets is the same in whatever order its entries come, and opens only to whom it was sealed.
import { expect, test } from 'vitest'
import type { Block } from '../../../../protocols/blocks.ts'
import type { PeerId } from '../../../../protocols/ids.ts'
import type { Entry } from '../../../../protocols/records.ts'
import { createSecretBook, type SecretBook } from '../../../../node/tasks/secrets/secret-book.ts'
import { createVault, type Vault } from '../../../../node/tasks/secrets/vault.ts'
import { createSealing } from '../../../../node/trust/sealing.ts'
import { identityFromSeed } from '../../../../node/trust/identity.ts'
import { createSystemRandom } from '../../../../node/kernel/random.ts'

type Member = { peer: PeerId; vault: Vault }

/** Members whose entries all reach one log, which each test plays as it likes. */
async function members(count: number): Promise<{ list: Member[]; log: Block[]; book: SecretBook }> {
  const log: Block[] = []
  const book = createSecretBook(() => {})
  const identities = Array.from({ length: count }, (_, at) => identityFromSeed(new Uint8Array(32).fill(at + 1)))
  const peers = identities.map(({ peerId }) => peerId)
  const list = await Promise.all(
    identities.map(async (identity) => {
      const sealing = await createSealing(identity)
      const write = async (entry: Entry): Promise<void> => {
        const block = {
          v: 1,
          author: identity.peerId,
          epoch: 1,
          seq: log.length + 1,
          prev: new Uint8Array(32),
          hlc: log.length + 1,
          entries: [entry],
        } as Block
        log.push(block)
        book.part.apply(entry, block)
      }
      await write({ kind: 'sealing-key', key: sealing.publicKey })
      const vault = createVault({
        self: identity.peerId,
        mesh: 'mesh',
        random: createSystemRandom(),
        sealing,
        book,
        write,
        assertMayWrite: () => {},
        workers: () => peers,
        find: (name) => peers.find((peer) => peer === name),
        nameOf: (peer) => peer,
        askToGrant: () => Promise.reject(new Error('nobody is asked here')),
        reachable: () => [],
      })
      return { peer: identity.peerId, vault }
    }),
  )
  return { list, log, book }
}

test('who was named opens it, nobody else, and a grant adds one', async () => {
  const { list } = await members(3)
  const [alice, bob, carol] = list as [Member, Member, Member]
  await alice.vault.set({ name: 'KEY', value: 'open sesame', workers: [bob.peer] })
  expect(await bob.vault.open(['KEY'])).toEqual({ KEY: 'open sesame' })
  await expect(alice.vault.open(['KEY'])).rejects.toMatchObject({ code: 'secret-sealed' })
  await expect(carol.vault.open(['KEY'])).rejects.toMatchObject({ code: 'secret-sealed' })
  await bob.vault.grant('KEY', [carol.peer])
  expect(await carol.vault.open(['KEY'])).toEqual({ KEY: 'open sesame' })
})

test('the value is in no entry, and what was sealed for one context opens in no other', async () => {
  const { list, log, book } = await members(2)
  const [alice, bob] = list as [Member, Member]
  await alice.vault.set({ name: 'KEY', value: 'open sesame' })
  await alice.vault.set({ name: 'OTHER', value: 'something else' })
  expect(log.flatMap(({ entries }) => entries).some((entry) => Buffer.from(JSON.stringify(entry)).includes('sesame'))).toBe(false)
  // A member who copies the sealed key of one secret under the name of another gives nobody anything.
  const key = book.find('KEY')
  const forged = {
    kind: 'secret',
    name: 'OTHER',
    version: 9,
    id: new Uint8Array(16),
    box: key?.body,
    sealed: [...(key?.grants.values() ?? [])],
  } as never
  book.part.apply(forged, { author: alice.peer, hlc: 99, epoch: 1 } as Block)
  await expect(bob.vault.open(['OTHER'])).rejects.toMatchObject({ code: 'secret-sealed' })
})

test('in any order, and each entry twice, the state is the same', async () => {
  const { list, log } = await members(3)
  const [alice, bob, carol] = list as [Member, Member, Member]
  await alice.vault.set({ name: 'A', value: 'one-one', workers: [alice.peer] })
  await alice.vault.grant('A', [bob.peer])
  await bob.vault.grant('A', [carol.peer])
  await bob.vault.set({ name: 'A', value: 'two-two', workers: [bob.peer] })
  await bob.vault.grant('A', [alice.peer])
  await carol.vault.set({ name: 'B', value: 'three' })
  await alice.vault.remove('B')
  const stateOf = (blocks: readonly Block[]): string => {
    const book = createSecretBook(() => {})
    for (const block of blocks) for (const entry of block.entries) book.part.apply(entry, block)
    return JSON.stringify(book.part.state(), (_key, value: unknown) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
    )
  }
  const right = stateOf(log)
  for (let turn = 0; turn < 200; turn++) {
    const shuffled = [...log, ...log].map((block) => ({ block, place: Math.random() })).toSorted((a, b) => a.place - b.place)
    expect(stateOf(shuffled.map(({ block }) => block))).toBe(right)
  }
})
