// What peers send as blocks: each case has its verdict, and nothing that a peer sends throws or is folded twice.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { blockDigest, FIRST_PREV } from '../../../protocols/blocks.ts'
import { FUTURE_MS_MAX } from '../../../protocols/limits.ts'
import { alice, bob } from '../../protocols/samples.ts'
import { createTaker, profile, seal, START_MS, writeLog } from './logs.ts'

test('blocks in order are accepted once, folded at once and durable later', () => {
  const taker = createTaker()
  const log = writeLog(alice, 3)
  expect(taker.take(log)).toEqual(['accept', 'accept', 'accept'])
  expect(taker.folded.map(({ seq }) => seq)).toEqual([1, 2, 3])
  expect(taker.durable).toEqual([])
  taker.sync()
  expect(taker.durable).toEqual([1, 2, 3])
  expect(taker.take(log)).toEqual(['ignore duplicate', 'ignore duplicate', 'ignore duplicate'])
  expect(taker.folded).toHaveLength(3)
})

test('a block after a gap waits, and is accepted when it comes again after the gap is filled', () => {
  const taker = createTaker()
  const [first, second, third] = writeLog(alice, 3)
  expect(taker.take([first!, third!])).toEqual(['accept', 'wait gap'])
  expect(taker.take([second!, third!])).toEqual(['accept', 'accept'])
})

test('two blocks of one number freeze their author and nobody else', () => {
  const taker = createTaker()
  const log = writeLog(alice, 2)
  taker.take(log)
  const other = seal(alice, { epoch: 1, seq: 2, prev: blockDigest(log[0]!.body), hlc: START_MS * 1024 + 7, entries: [profile('other')] })
  expect(taker.take([other])).toEqual(['reject fork'])
  expect(taker.forks).toEqual(['1/2'])
  const next = seal(alice, { epoch: 1, seq: 3, prev: blockDigest(log[1]!.body), hlc: START_MS * 1024 + 9, entries: [profile('next')] })
  expect(taker.take([next])).toEqual(['reject fork'])
  expect(taker.take(writeLog(bob, 1))).toEqual(['accept'])
})

test('a forged second block of one number freezes nobody', () => {
  const taker = createTaker()
  const [first] = writeLog(alice, 1)
  taker.take([first!])
  const forged = seal(alice, { epoch: 1, seq: 1, prev: FIRST_PREV, hlc: 1, entries: [profile('forged')] })
  forged.signature = new Uint8Array(64)
  expect(taker.take([forged])).toEqual(['ignore duplicate'])
  expect(taker.forks).toEqual([])
})

test('a wrong signature, a broken chain and a malformed body are rejected', () => {
  const [first, second] = writeLog(alice, 2)
  expect(createTaker().take([{ ...first!, signature: second!.signature }])).toEqual(['reject signature'])
  const stray = seal(alice, { epoch: 1, seq: 1, prev: new Uint8Array(32).fill(3), hlc: START_MS * 1024, entries: [profile('stray')] })
  expect(createTaker().take([stray])).toEqual(['reject chain'])
  expect(createTaker().take([{ body: Uint8Array.of(0xff), signature: first!.signature }])).toEqual(['reject malformed'])
})

test('a block from the future waits until its time is near', () => {
  const taker = createTaker()
  const hlc = (START_MS + FUTURE_MS_MAX + 5_000) * 1024
  const block = seal(alice, { epoch: 1, seq: 1, prev: FIRST_PREV, hlc, entries: [profile('early')] })
  expect(taker.take([block])).toEqual(['wait future'])
  taker.clock.advance(5_000)
  expect(taker.take([block])).toEqual(['accept'])
})

test('strangers wait, removed members end at their cut, own blocks of this life are ignored', () => {
  expect(createTaker({ mayAuthor: () => false }).take(writeLog(alice, 1))).toEqual(['wait unknown-author'])
  expect(createTaker({ cutOf: () => 1 }).take(writeLog(alice, 2))).toEqual(['accept', 'reject beyond-cut'])
  expect(createTaker().take(writeLog(bob, 1, 9))).toEqual(['ignore own'])
  expect(createTaker().take(writeLog(bob, 1, 8))).toEqual(['accept'])
})

test('a run of 200 blocks costs one signature check; one bad block in it is found', () => {
  const log = writeLog(alice, 200)
  const taker = createTaker()
  expect(new Set(taker.take(log))).toEqual(new Set(['accept']))
  expect(taker.verified()).toBe(1)
  const forged = log.map((block, index) => (index === 199 ? { ...block, signature: new Uint8Array(64) } : block))
  const careful = createTaker()
  expect(careful.take(forged).slice(198)).toEqual(['accept', 'reject signature'])
  expect(careful.verified()).toBe(201)
})

test('any bytes give a verdict, never an exception', () => {
  const [real] = writeLog(alice, 1)
  const taker = createTaker()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(), fc.nat(255), (noise, at, value) => {
      const altered = new Uint8Array(real!.body)
      altered[at % altered.length] = value
      for (const body of [noise, altered]) expect(taker.take([{ body, signature: real!.signature }])).toHaveLength(1)
    }),
    { numRuns: 500 },
  )
})
