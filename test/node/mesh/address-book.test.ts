// What a node remembers of where members are, and when it is on disk.
import { expect, test } from 'vitest'
import type { PeerId } from '../../../protocols/ids.ts'
import { createAddressBook } from '../../../node/mesh/address-book.ts'

const ALICE = '12D3KooWAlice' as PeerId
const HERE = '/ip4/10.0.0.1/tcp/4001'
const THERE = '/ip4/10.0.0.2/tcp/4001'

function book(): { saved: [PeerId, string[]][][]; due: (() => void)[]; book: ReturnType<typeof createAddressBook> } {
  const saved: [PeerId, string[]][][] = []
  const due: (() => void)[] = []
  const store = {
    load: (): Promise<[PeerId, string[]][]> => Promise.resolve([[ALICE, [HERE]]]),
    save: (peers: [PeerId, string[]][]): Promise<void> => Promise.resolve(void saved.push(peers)),
  }
  const clock = { after: (_ms: number, call: () => void) => (due.push(call), () => {}) }
  return {
    saved,
    due,
    book: createAddressBook({
      clock,
      store,
      onError: (error) => {
        throw error
      },
    }),
  }
}

test('the first address of a member is written before any time passes, later ones a moment after', async () => {
  const { saved, due, book: one } = book()
  expect(one.learn(ALICE, [`${HERE}/p2p/${ALICE}`])).toBe(true)
  expect(saved).toEqual([[[ALICE, [HERE]]]])
  expect(one.learn(ALICE, [THERE])).toBe(true)
  expect(saved).toHaveLength(1)
  for (const call of due.splice(0)) call()
  await Promise.resolve()
  expect(saved.at(-1)).toEqual([[ALICE, [THERE, HERE]]])
})

test('what was stored is known again, and is not written anew', async () => {
  const { saved, book: one } = book()
  await one.load()
  expect(one.addressesOf(ALICE)).toEqual([HERE])
  expect(one.learn(ALICE, [HERE])).toBe(false)
  expect(saved).toEqual([])
})
