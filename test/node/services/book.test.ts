// The book of services is a pure fold, and the desk keeps one rule: a new generation waits for the one before.
import { encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Block } from '../../../protocols/blocks.ts'
import { serviceRequest } from '../../../protocols/http/services.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { ServiceSpec } from '../../../protocols/services/service-records.ts'
import { createServiceBook } from '../../../node/services/book.ts'
import { targetOf, taskOf } from '../../../node/services/plan.ts'
import { alice, bob, CREATED_AT } from '../../protocols/samples.ts'
import { blockOf } from '../messages/post-office.ts'
import { createServiceRoom } from './service-room.ts'

const authors = [alice.peerId, bob.peerId]
const spec = (n: number): ServiceSpec => ({ argv: [`app-${n}`], protocol: 'http', restart: 'always', sandbox: 'process' })
const name = fc.constantFrom('a', 'b')
const small = fc.integer({ min: 1, max: 3 })
const anEntry: fc.Arbitrary<Entry> = fc.oneof(
  fc.tuple(name, small, fc.integer({ min: 1, max: 12 }), fc.nat(2), fc.constantFrom('running', 'stopped', 'removed')).map(
    ([of, generation, revision, launch, desired]): Entry => ({
      kind: 'service',
      name: of,
      generation,
      revision,
      launch,
      desired,
      spec: spec(revision + launch),
    }),
  ),
  fc.tuple(name, small, small, small).map(
    ([of, generation, epoch, step]): Entry => ({
      kind: 'service-state',
      name: of,
      generation,
      epoch,
      step,
      observed: { state: 'running', since: step, restarts: 0 },
    }),
  ),
)
// HLCs of two authors may be equal, and one block may hold two words on one service.
const history = fc
  .array(fc.tuple(fc.nat(1), fc.nat(3), fc.array(anEntry, { minLength: 1, maxLength: 3 })), { maxLength: 12 })
  .map((blocks) =>
    blocks.map(([author, step, entries], at): Block => blockOf(authors[author]!, at + 1, CREATED_AT * 1024 + at * 2 + step, entries)),
  )

function stateOf(blocks: readonly Block[]): string {
  const book = createServiceBook(() => {})
  for (const block of blocks) for (const entry of block.entries) book.part.apply(entry, block)
  return Buffer.from(encode(JSON.parse(JSON.stringify([book.part.state(), book.all()])))).toString('hex')
}

test('any order and repetition of the same blocks gives the same services', () => {
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

const request = (over: Record<string, unknown> = {}) => serviceRequest.parse({ name: 'web', argv: ['app'], ...over })

test('a new revision stays in its generation; another place, a stop or an end makes a new one that waits for the one before', async () => {
  const { desk, book, tasks, holdings, entries } = createServiceRoom(alice.peerId)
  const generation = () => book.get('web')?.generation
  expect(await desk.start(request())).toMatchObject({ state: 'pending', revision: 1, revisions: [{ revision: 1 }] })
  holdings.set(taskOf('web', 1), { holder: alice.peerId, epoch: 1 })
  expect(await desk.start(request({ argv: ['app', '2'] }))).toMatchObject({ revision: 2 })
  expect(generation()).toBe(1)
  await desk.start(request({ pool: 'other' }))
  expect(generation()).toBe(2)
  expect(entries.filter(({ kind }) => kind === 'cancel')).toMatchObject([{ task: taskOf('web', 1) }])
  expect(tasks.map(({ after, afterAny, pool }) => [after, afterAny, pool])).toEqual([
    [undefined, undefined, undefined],
    [[taskOf('web', 1)], true, 'other'],
  ])
  await desk.stop('web')
  await desk.restart('web')
  expect(generation()).toBe(3)
  holdings.set(taskOf('web', 3), { epoch: 1, end: 'failed' })
  expect(desk.find('web')).toMatchObject({ state: 'ended' })
  await desk.restart('web')
  expect(generation()).toBe(4)
  await expect(desk.remove('web')).rejects.toMatchObject({ code: 'service-running' })
  await desk.stop('web')
  await desk.remove('web')
  expect(desk.find('web')).toBeUndefined()
  await expect(desk.stop('web')).rejects.toMatchObject({ code: 'service-unknown' })
  await desk.start(request())
  expect(book.get('web')).toMatchObject({ generation: 5, revision: 4 })
})

test('who does not hold the service is not believed, and a refused revision gives way to the one that was live', async () => {
  const { desk, book, append, holdings } = createServiceRoom(alice.peerId)
  await desk.start(request())
  await desk.start(request({ argv: ['app', '2'] }))
  holdings.set(taskOf('web', 1), { holder: bob.peerId, epoch: 3 })
  const failed = { revision: 2, launch: 0, reason: 'exit code 1', at: 5 }
  const observed = { state: 'running', revision: 1, launch: 0, port: 80, since: 5, restarts: 2, failed } as const
  append({ kind: 'service-state', name: 'web', generation: 1, epoch: 3, step: 1, observed })
  expect(desk.find('web'), 'alice wrote it, bob holds it').toMatchObject({ state: 'preparing', healthy: false })
  holdings.set(taskOf('web', 1), { holder: alice.peerId, epoch: 3 })
  expect(desk.find('web')).toMatchObject({ state: 'running', live: 1, address: '127.0.0.1:80', failed: { revision: 2 } })
  expect(targetOf(book.get('web')!, observed)).toMatchObject({ revision: 1, launch: 0, spec: { argv: ['app'] } })
  await desk.restart('web')
  expect(targetOf(book.get('web')!, observed), 'a new launch is a new chance').toMatchObject({ revision: 2, launch: 1 })
  holdings.set(taskOf('web', 1), { holder: alice.peerId, epoch: 4 })
  expect(desk.find('web'), 'the word of an earlier epoch').toMatchObject({ state: 'preparing' })
  expect(await desk.rollback('web')).toMatchObject({ revision: 3, rollbackOf: 1 })
  await expect(desk.rollback('web', 9)).rejects.toMatchObject({ code: 'no-revision' })
})
