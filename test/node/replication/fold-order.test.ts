// P6: the fold is a function of the set of blocks. Any order, batching and repetition gives the same hash.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Block } from '../../../protocols/blocks.ts'
import { FIRST_PREV } from '../../../protocols/blocks.ts'
import type { Term } from '../../../protocols/ids.ts'
import { onceId, taskId } from '../../../protocols/ids.ts'
import { batchTaskIds, runsOf } from '../../../protocols/tasks/task-runs.ts'
import type { Entry, RegisterValue } from '../../../protocols/records.ts'
import type { Fold } from '../../../node/tasks/fold/fold.ts'
import { createFold } from '../../../node/tasks/fold/fold.ts'
import { alice, bob, CREATED_AT } from '../../protocols/samples.ts'
import { profile } from './logs.ts'

const authors = [alice.peerId, bob.peerId]
const tasks = [0, 1, 2].map((n) => {
  const nonce = new Uint8Array(16).fill(n)
  return { id: taskId(authors[n % 2]!, CREATED_AT + n, nonce), nonce, createdAt: CREATED_AT + n, author: n % 2 }
})

/** What was decided for a task, version by version: each value is chosen once, and each epoch ends once. */
const held = (version: number, epoch: number): RegisterValue => ({
  version,
  epoch,
  state: 'held',
  holder: authors[epoch % 2]!,
  term: `1.${epoch}` as Term,
  startedAt: CREATED_AT + version,
  attempt: 1,
})
const decided: RegisterValue[] = [
  held(1, 1),
  { version: 2, epoch: 1, state: 'free', attempt: 2, outcome: { result: 'failed', exitCode: 1, endedAt: CREATED_AT + 2 } },
  held(3, 2),
  { ...held(4, 3), outcome: { result: 'lost', endedAt: CREATED_AT + 4 } },
  {
    version: 5,
    epoch: 3,
    state: 'settled',
    end: 'succeeded',
    attempt: 2,
    outcome: { result: 'succeeded', exitCode: 0, endedAt: CREATED_AT + 5 },
  },
]

/** A task that both members may have published; its register says whose record runs. */
const onceSpec = (argv: string) => ({ kind: 'shell' as const, argv: [argv], priority: 0, attempts: 1, dedupe: 'nightly' })
const once = onceId({ dedupe: 'nightly' })!
const onceEntry = (author: number): fc.Arbitrary<Entry> =>
  fc.oneof(
    fc
      .nat(2)
      .map(
        (n): Entry => ({ kind: 'task', id: once, nonce: new Uint8Array(16), createdAt: CREATED_AT + n, spec: onceSpec(`${author}.${n}`) }),
      ),
    fc.constant<Entry>({ kind: 'register', task: once, value: { ...held(1, 1), record: authors[1]! } }),
  )

/** A batch of ten, in one record or in two, and what was decided for some of it. */
const batchNonce = new Uint8Array(16).fill(7)
const joint = { kind: 'noop' as const, argv: [], priority: 0, attempts: 1 }
const batchIds = authors.map((author) => batchTaskIds(author, CREATED_AT, batchNonce, 0, 10))
const part = (author: number, first: number, count: number): Entry => ({
  kind: 'tasks',
  createdAt: CREATED_AT,
  nonce: batchNonce,
  first,
  specs: [joint, { ...joint, name: 'last' }],
  items: [
    [0, count - 1],
    [1, 1],
  ],
  preferred: [[authors[author]!, 1, 3]],
})
const batchEntry = (author: number): fc.Arbitrary<Entry> =>
  fc.oneof(
    fc.constantFrom(part(author, 0, 6), part(author, 6, 4)),
    fc
      .tuple(fc.nat(8), fc.integer({ min: 1, max: 2 }), fc.constantFrom(...decided))
      .map(([from, count, value]): Entry => ({ kind: 'registers', tasks: runsOf(batchIds[author]!.slice(from, from + count)), value })),
  )

const entryAt = (author: number): fc.Arbitrary<Entry> =>
  fc.oneof(
    fc.constantFrom(...tasks.filter((task) => task.author === author)).map(
      ({ id, nonce, createdAt }): Entry => ({
        kind: 'task',
        id,
        nonce,
        createdAt,
        spec: { kind: 'shell', argv: ['true'], priority: 0, attempts: 2 },
      }),
    ),
    fc
      .tuple(fc.constantFrom(...tasks), fc.constantFrom(...decided))
      .map(([{ id }, value]): Entry => ({ kind: 'register', task: id, value })),
    fc
      .tuple(fc.constantFrom(...tasks), fc.string({ maxLength: 4 }))
      .map(([{ id }, reason]): Entry => ({ kind: 'cancel', task: id, reason })),
    fc.tuple(fc.constantFrom(...authors), fc.nat(3)).map(([node, n]): Entry => ({ kind: 'term', node, term: `1.${n}` as Term })),
    fc
      .integer({ min: 1, max: 3 })
      .map((version): Entry => ({ kind: 'group', group: 'default', version, seats: authors.slice(0, 1 + (version % 2)) })),
    fc
      .tuple(fc.constantFrom(1_000_000_007, 1_000_000_008), fc.nat(1))
      .map(([version, n]): Entry => ({ kind: 'group', group: 'default', version, seats: [authors[n]!], recovered: true, by: 'x' })),
    fc
      .tuple(fc.constantFrom(...tasks), fc.constantFrom(undefined, 'lost' as const, 'succeeded' as const), fc.nat(2))
      .map(([{ id }, result, n]): Entry => {
        const run = { task: id, epoch: 100 + author, attempt: 1, startedAt: CREATED_AT, term: '1' as Term }
        return { kind: 'attempt', ...run, ...(result === undefined ? {} : { outcome: { result, endedAt: CREATED_AT + n } }) }
      }),
    fc.constantFrom('a', 'b').map(profile),
    onceEntry(author),
    batchEntry(author),
  )
const history = fc
  .tuple(...authors.map((_, author) => fc.array(fc.array(entryAt(author), { minLength: 1, maxLength: 4 }), { maxLength: 12 })))
  .map((logs) =>
    logs.flatMap((log, author) =>
      log.map(
        (entries, index): Block => ({
          v: 1,
          author: authors[author]!,
          epoch: 1,
          seq: index + 1,
          prev: FIRST_PREV,
          hlc: CREATED_AT * 1024 + index * 2 + author,
          entries,
        }),
      ),
    ),
  )

function hashOf(blocks: readonly Block[]): string {
  const fold = foldOf(blocks)
  expect(fold.conflicts()).toBe(0)
  return fold.hash()
}

function foldOf(blocks: readonly Block[]): Fold {
  const quiet = { onTask() {}, onTerm() {}, onProfile() {}, onGroup() {} }
  const fold = createFold(quiet, { mayPublish: () => true, mayRecover: () => true })
  for (const [index, block] of blocks.entries()) {
    fold.apply(block)
    // The hash is kept up to date from wherever it was asked last.
    if (index % 3 === 1) fold.hash()
  }
  return fold
}

test('any permutation and repetition of the same blocks folds to the same hash', () => {
  fc.assert(
    fc.property(
      history.chain((blocks) =>
        fc.tuple(fc.constant(blocks), fc.shuffledSubarray(blocks, { minLength: blocks.length }), fc.shuffledSubarray(blocks)),
      ),
      ([blocks, shuffled, again]) => {
        const expected = hashOf(blocks)
        expect(hashOf(shuffled)).toBe(expected)
        expect(hashOf([...again, ...shuffled, ...again])).toBe(expected)
      },
    ),
    { numRuns: 500 },
  )
})

test('one block more or less gives another hash', () => {
  const block: Block = { v: 1, author: authors[0]!, epoch: 1, seq: 1, prev: FIRST_PREV, hlc: 1, entries: [profile('a')] }
  expect(hashOf([block])).not.toBe(hashOf([]))
})

test('of one name that two members published the earliest record counts, until the register says whose record runs', () => {
  const block = (author: number, seq: number, entries: Entry[]): Block => ({
    v: 1,
    author: authors[author]!,
    epoch: 1,
    seq,
    prev: FIRST_PREV,
    hlc: CREATED_AT * 1024 + seq,
    entries,
  })
  const record = (argv: string): Entry => ({
    kind: 'task',
    id: once,
    nonce: new Uint8Array(16),
    createdAt: CREATED_AT,
    spec: onceSpec(argv),
  })
  const first = block(0, 1, [record('early')])
  const second = block(1, 2, [record('late')])
  const claimed = block(1, 3, [{ kind: 'register', task: once, value: { ...held(1, 1), record: authors[1]! } }])
  const argvOf = (blocks: Block[]) => foldOf(blocks).task(once)?.task?.spec.argv[0]
  expect(argvOf([first, second])).toBe('early')
  expect(argvOf([second, first])).toBe('early')
  expect(argvOf([first, second, claimed])).toBe('late')
  expect(argvOf([claimed, second, first])).toBe('late')
  expect(argvOf([claimed, first]), 'nothing is shown for a record that has not arrived').toBeUndefined()
  // Somebody who puts another name under this ID is not heard.
  expect(argvOf([block(0, 1, [{ ...record('forged'), spec: { ...onceSpec('forged'), dedupe: 'other' } } as Entry])])).toBeUndefined()
})

test('a batch gives each task its spec and the node that may claim it first, and shares what tasks have in common', () => {
  const block: Block = {
    v: 1,
    author: authors[0]!,
    epoch: 1,
    seq: 1,
    prev: FIRST_PREV,
    hlc: CREATED_AT * 1024,
    entries: [
      part(0, 0, 6),
      { kind: 'registers', tasks: runsOf(batchIds[0]!.slice(0, 2)), value: held(1, 1) },
      { kind: 'registers', tasks: runsOf(batchIds[0]!.slice(0, 2)), value: { ...held(2, 1), state: 'settled', end: 'succeeded' } },
    ],
  }
  const fold = foldOf([block])
  const states = batchIds[0]!.map((id) => fold.task(id))
  expect(states.map((state) => state?.task?.spec.name)).toEqual([...Array(5).fill(undefined), 'last', ...Array(4).fill(undefined)])
  expect(states.map((state) => state?.task?.preferred?.[0])).toEqual([...Array(3).fill(authors[0]), ...Array(7).fill(undefined)])
  expect(states[0]?.task).toBe(states[1]?.task)
  expect(states[0]?.attempts).toBe(states[1]?.attempts)
  expect(states[0]?.attempts).toMatchObject([{ epoch: 1, holder: authors[1] }])
  expect(states[6]).toBeUndefined()
})
