// The book is a pure fold, and of each schedule the newest word counts.
import { encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Block } from '../../../protocols/blocks.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { SchedulePlan } from '../../../protocols/plan/schedule-records.ts'
import { createBook } from '../../../node/schedules/book.ts'
import { blockOf } from '../messages/post-office.ts'
import { alice, bob, CREATED_AT } from '../../protocols/samples.ts'

const authors = [alice.peerId, bob.peerId]
const plan = (n: number): SchedulePlan => ({
  everyMs: 1000 + n,
  from: CREATED_AT,
  overlap: 'allow',
  missed: 'latest',
  spec: { kind: 'shell', argv: ['true'], priority: 5, attempts: 1 },
})
const anEntry: fc.Arbitrary<Entry> = fc.oneof(
  fc.tuple(fc.constantFrom('a', 'b'), fc.option(fc.nat(5))).map(
    ([name, n]): Entry => ({
      kind: 'schedule',
      name,
      ...(n === null ? {} : { plan: plan(n) }),
    }),
  ),
  fc.tuple(fc.constantFrom('a', 'b'), fc.boolean()).map(([name, paused]): Entry => ({ kind: 'schedule-pause', name, paused })),
  fc.tuple(fc.constantFrom('a', 'b'), fc.nat(300)).map(([name, n]): Entry => ({ kind: 'schedule-skip', name, at: CREATED_AT + n })),
)
// HLCs of two authors may be equal, and one block may hold two words on one schedule.
const history = fc
  .array(fc.tuple(fc.nat(1), fc.nat(3), fc.array(anEntry, { minLength: 1, maxLength: 3 })), { maxLength: 12 })
  .map((blocks) =>
    blocks.map(([author, step, entries], at): Block => blockOf(authors[author]!, at + 1, CREATED_AT * 1024 + at * 2 + step, entries)),
  )

function stateOf(blocks: readonly Block[]): string {
  const book = createBook(() => {})
  for (const block of blocks) for (const entry of block.entries) book.part.apply(entry, block)
  return Buffer.from(encode([book.part.state(), book.all().map((one) => [one.name, one.paused, one.author, one.plan])])).toString('hex')
}

test('any order and repetition of the same blocks gives the same schedules', () => {
  fc.assert(
    fc.property(
      history.chain((blocks) =>
        fc.tuple(fc.constant(blocks), fc.shuffledSubarray(blocks, { minLength: blocks.length }), fc.shuffledSubarray(blocks)),
      ),
      ([blocks, shuffled, again]) => {
        expect(stateOf([...again, ...shuffled, ...again])).toBe(stateOf(blocks))
      },
    ),
    { numRuns: 500 },
  )
})

test('the newest plan counts, a pause holds for the plan before it only, and removed is removed', () => {
  const book = createBook(() => {})
  const write = (seq: number, ...entries: Entry[]) => {
    const block = blockOf(alice.peerId, seq, (CREATED_AT + seq) * 1024, entries)
    for (const entry of entries) book.part.apply(entry, block)
  }
  write(1, { kind: 'schedule', name: 'a', plan: plan(1) })
  write(2, { kind: 'schedule-pause', name: 'a', paused: true })
  expect(book.get('a')).toMatchObject({ paused: true, changedAt: CREATED_AT + 2 })
  write(4, { kind: 'schedule', name: 'a', plan: plan(2) })
  write(3, { kind: 'schedule', name: 'a' })
  expect(book.get('a')).toMatchObject({ paused: false, plan: { everyMs: 1002 } })
  write(5, { kind: 'schedule', name: 'a' }, { kind: 'schedule', name: 'b', plan: plan(3) }, { kind: 'schedule', name: 'b', plan: plan(4) })
  expect(book.all().map(({ name, plan: { everyMs } }) => [name, everyMs])).toEqual([['b', 1004]])
})
