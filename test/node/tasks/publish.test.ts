// Tasks of one call share their records, whatever they ask for, and no record is larger than a block takes.
import { expect, test } from 'vitest'
import type { Block } from '../../../protocols/blocks.ts'
import { encodeBlock, FIRST_PREV } from '../../../protocols/blocks.ts'
import { BLOCK_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Entry, TaskSpec } from '../../../protocols/records.ts'
import { entry } from '../../../protocols/records.ts'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import { createFold } from '../../../node/tasks/fold/fold.ts'
import { spread } from '../../../node/tasks/matching/spread.ts'
import type { Offer } from '../../../node/tasks/matching/match.ts'
import { createPublisher } from '../../../node/tasks/publish.ts'
import { alice, bob, CREATED_AT, TASK } from '../../protocols/samples.ts'

const joint: TaskSpec = { kind: 'noop', argv: [], priority: 0, attempts: 1 }
const shell = (text: string): TaskSpec => ({ ...joint, kind: 'shell', argv: [text] })

function createDesk() {
  const written: Entry[] = []
  const fold = createFold({ onTask() {}, onTerm() {}, onProfile() {}, onGroup() {} }, { mayPublish: () => true })
  const publisher = createPublisher({
    self: alice.peerId,
    clock: { wallMs: () => CREATED_AT },
    random: createSeededRandom(1),
    fold,
    append: (one) => written.push(one),
  })
  const publish = (specs: TaskSpec[], whom: Parameters<typeof publisher.publishAll>[2] = () => []) =>
    publisher.publishAll(specs, publisher.drafts(specs), whom)
  const block = (): Block => ({
    v: 1,
    author: alice.peerId,
    epoch: 1,
    seq: 1,
    prev: FIRST_PREV,
    hlc: CREATED_AT * 1024,
    entries: written,
  })
  return { written, fold, publisher, publish, block }
}

test('the fold finds every task under the ID that the publisher answered', () => {
  const { publish, fold, block, written } = createDesk()
  const specs = Array.from({ length: 2_500 }, (_, i) =>
    i % 1_000 === 7 ? { ...joint, dedupe: `key ${i}` } : i % 3 === 0 ? shell('true') : joint,
  )
  const made = publish(specs)
  fold.apply(block())
  expect(made.map(({ id }) => fold.task(id)?.task?.spec)).toEqual(specs)
  expect(written.every((one) => entry.safeParse(one).success)).toBe(true)
  expect(written.length).toBe(3 + 3 + 3)
  expect(written.filter((one) => one.kind === 'tasks').every((one) => one.specs.length <= 2)).toBe(true)
})

test('large specs are parted among records that fit into a block', () => {
  const { publish, fold, block, written } = createDesk()
  const specs = Array.from({ length: 20 }, (_, i) => shell(`${i}${'ü'.repeat(10_000)}`))
  const made = publish(specs)
  fold.apply(block())
  expect(made.map(({ id }) => fold.task(id)?.task?.spec)).toEqual(specs)
  for (const one of written) expect(encodeBlock({ ...block(), entries: [one] }).length).toBeLessThan(BLOCK_BYTES_MAX)
})

const offer = (node: Offer['node'], freeSlots: number): Offer => ({
  node,
  name: node.slice(-3),
  alive: true,
  draining: false,
  mayRun: true,
  roles: [],
  skills: [],
  labels: {},
  pool: undefined,
  accept: [],
  slots: 4,
  freeSlots,
})

test('a batch is spread over the workers in neighbouring parts: by free slots, and joints over all', () => {
  const offers = [offer(alice.peerId, 3), offer(bob.peerId, 1)]
  const shares = (spec: TaskSpec, count: number) => Object.fromEntries(spread(spec, TASK, count, offers))
  expect(shares(shell('true'), 400)).toEqual({ [alice.peerId]: 300, [bob.peerId]: 100 })
  expect(shares(joint, 400)).toEqual({ [alice.peerId]: 200, [bob.peerId]: 200 })
  expect(spread(joint, TASK, 100, offers)).toHaveLength(1)
  expect(spread(shell('true'), TASK, 1, offers)).toHaveLength(1)
  expect(spread(joint, TASK, 10, [])).toEqual([])
})

test('the record says who may claim which part first', () => {
  const { publish, fold, block } = createDesk()
  const made = publish([joint, joint, joint, shell('true')], (spec, _, count) =>
    spec.kind === 'noop'
      ? [
          [alice.peerId, 1, count - 1],
          [bob.peerId, 2, 1],
        ]
      : [[bob.peerId, 2, count]],
  )
  fold.apply(block())
  expect(made.map(({ id }) => fold.task(id)?.task?.preferred)).toEqual([
    [alice.peerId, 1],
    [alice.peerId, 1],
    [bob.peerId, 2],
    [bob.peerId, 2],
  ])
})
