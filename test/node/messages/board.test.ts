// The board is a pure fold: what it holds depends on the set of entries, never on their order or how often they came.
import { encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Block } from '../../../protocols/blocks.ts'
import type { MessageId, PeerId } from '../../../protocols/ids.ts'
import type { MessageRecord } from '../../../protocols/plan/message-records.ts'
import { idOfMessage } from '../../../protocols/plan/message-records.ts'
import type { Entry } from '../../../protocols/records.ts'
import { createBoard } from '../../../node/messages/board.ts'
import { createInbox } from '../../../node/messages/inbox.ts'
import { createNewest } from '../../../node/replication/newest.ts'
import { createTopic } from '../../../node/messages/topic.ts'
import { alice, bob, CREATED_AT, TASK } from '../../protocols/samples.ts'
import { blockOf } from './post-office.ts'

const authors = [alice.peerId, bob.peerId]
const places: MessageRecord['to'][] = [{ worker: alice.peerId }, { worker: bob.peerId }, { task: TASK }, { topic: 'news' }]

function messageBy(author: PeerId, n: number, to: MessageRecord['to'], body = `text ${n}`): Entry {
  const content = { createdAt: CREATED_AT + n, nonce: new Uint8Array(16).fill(n), to, body }
  return { kind: 'message', id: idOfMessage(author, content), ...content }
}
const messages = [0, 1].flatMap((author) =>
  places.flatMap((to, place) => [0, 1].map((n) => ({ author, entry: messageBy(authors[author]!, place * 2 + n, to) }))),
)
const ids = messages.map(({ entry }) => (entry as { id: MessageId }).id)
const entryBy = (author: number): fc.Arbitrary<Entry> =>
  fc.oneof(
    fc.constantFrom(...messages.filter((one) => one.author === author).map((one) => one.entry)),
    fc
      .record(
        {
          ids: fc.uniqueArray(fc.constantFrom(...ids), { minLength: 1, maxLength: 4 }),
          task: fc.constant(TASK),
          topic: fc.constant('news'),
        },
        { requiredKeys: ['ids'] },
      )
      .map((mark): Entry => ({ kind: 'read', ...mark })),
  )
const history = fc
  .tuple(...authors.map((_, author) => fc.array(fc.array(entryBy(author), { minLength: 1, maxLength: 3 }), { maxLength: 12 })))
  .map((logs) =>
    logs.flatMap((log, author) =>
      log.map((entries, at): Block => blockOf(authors[author]!, at + 1, (CREATED_AT + 100) * 1024 + at * 2 + author, entries)),
    ),
  )

function stateOf(blocks: readonly Block[]): string {
  const { part } = createBoard(() => {})
  for (const block of blocks) for (const entry of block.entries) part.apply(entry, block)
  return Buffer.from(encode(part.state())).toString('hex')
}

test('any order and repetition of the same blocks gives the same messages and marks', () => {
  fc.assert(
    fc.property(
      history.chain((blocks) =>
        fc.tuple(fc.constant(blocks), fc.shuffledSubarray(blocks, { minLength: blocks.length }), fc.shuffledSubarray(blocks)),
      ),
      ([blocks, shuffled, again]) => {
        expect(stateOf(shuffled)).toBe(stateOf(blocks))
        expect(stateOf([...again, ...shuffled, ...again])).toBe(stateOf(blocks))
      },
    ),
    { numRuns: 300 },
  )
})

test('a message is heard of once, and is gone from an inbox when its reader has marked it, in either order', () => {
  const heard: string[] = []
  const board = createBoard(({ id }) => heard.push(id))
  const message = messageBy(alice.peerId, 1, { worker: bob.peerId })
  const { id } = message as { id: MessageId }
  const apply = (author: PeerId, entry: Entry) => board.part.apply(entry, blockOf(author, 1, (CREATED_AT + 100) * 1024, [entry]))
  apply(alice.peerId, message)
  apply(alice.peerId, message)
  expect(heard).toEqual([id])
  apply(alice.peerId, { kind: 'read', ids: [id] })
  expect(board.inbox({ worker: bob.peerId }), 'a mark of somebody else says nothing').toHaveLength(1)
  apply(bob.peerId, { kind: 'read', ids: [id] })
  apply(alice.peerId, message)
  expect(board.inbox({ worker: bob.peerId })).toEqual([])
  expect(heard).toEqual([id])
})

test('what is not of its author, or not of its time, is not taken in', () => {
  const board = createBoard(() => {})
  const message = messageBy(alice.peerId, 50, { topic: 'news' })
  board.part.apply(message, blockOf(bob.peerId, 1, (CREATED_AT + 100) * 1024, [message]))
  board.part.apply({ ...message, body: 'altered' }, blockOf(alice.peerId, 1, (CREATED_AT + 100) * 1024, []))
  board.part.apply(message, blockOf(alice.peerId, 1, (CREATED_AT - 59_951) * 1024, [message]))
  expect(board.topic('news')).toEqual([])
  board.part.apply(message, blockOf(alice.peerId, 1, (CREATED_AT - 59_950) * 1024, [message]))
  expect(board.topic('news')).toHaveLength(1)
})

const idOf = (n: number): MessageId => String(n).padStart(26, '0') as MessageId
const sizes = fc.uniqueArray(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 9 })), { selector: ([n]) => n, maxLength: 40 })

test('retention keeps the newest of all that ever came, by count and by bytes, in any order', () => {
  fc.assert(
    fc.property(
      sizes.chain((items) => fc.tuple(fc.constant(items), fc.shuffledSubarray(items, { minLength: items.length }))),
      ([items, shuffled]) => {
        const kept = (list: typeof items): unknown => {
          const newest = createNewest<MessageId>({ count: 8, bytes: 30 })
          const held = new Set<MessageId>()
          for (const [n, bytes] of [...list, ...list]) {
            const out = newest.add(idOf(n), bytes)
            if (out === undefined) continue
            held.add(idOf(n))
            for (const id of out) held.delete(id)
          }
          return [newest.floor(), [...held].sort()]
        }
        expect(kept(shuffled)).toEqual(kept(items))
      },
    ),
  )
})

test('an inbox and a topic forget the oldest beyond their limit, marks included', () => {
  const record = messageBy(alice.peerId, 1, { topic: 'news' }) as MessageRecord
  const make = (n: number, bytes = 1) => ({ id: idOf(n), author: alice.peerId, record, bytes })
  const gone: string[] = []
  const inbox = createInbox(({ id }) => gone.push(id))
  for (let n = 1; n <= 25_002; n++)
    if (n % 2 === 0) inbox.mark(idOf(n))
    else inbox.put(make(n))
  expect(gone).toEqual([idOf(1)])
  expect(inbox.count()).toBe(12_500)
  expect(inbox.put(make(1))).toBe(false)
  const topic = createTopic()
  for (let n = 1; n <= 1_300; n++) {
    topic.put(make(n))
    topic.mark('reader', idOf(n))
  }
  expect([...topic.messages()]).toHaveLength(1_000)
  expect((topic.state() as [string, unknown, [string, string[]][]])[2][0]?.[1]).toHaveLength(1_000)
  for (let n = 2_001; n <= 2_004; n++) topic.put(make(n, 3 * 1024 * 1024))
  expect([...topic.messages()].map(({ id }) => id)).toEqual([idOf(2_003), idOf(2_004)])
})
