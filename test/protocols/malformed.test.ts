// What no honest node sends: every decoder gives its verdict, quickly, and never throws.
import { encode } from '@ipld/dag-cbor'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBlock, encodeBlock } from '../../protocols/blocks.ts'
import { decodeCallAnswer, decodeCallRequest, encodeCall } from '../../protocols/calls.ts'
import { decodeGossip, encodeGossip } from '../../protocols/gossip.ts'
import { fromBase32 } from '../../protocols/ids.ts'
import { BLOCK_BYTES_MAX, BLOCK_ENTRIES_MAX, FRAME_BYTES_MAX, GOSSIP_BYTES_MAX } from '../../protocols/limits.ts'
import { decodeLink, encodeLink } from '../../protocols/streams.ts'
import { decodeInvite, encodeInvite } from '../../protocols/trust.ts'
import { decodeCursor } from '../../node/tasks/view/cursor.ts'
import { linkMessages } from './link-samples.ts'
import { planBlocks } from './plan-samples.ts'
import { sessionBlocks } from './session-samples.ts'
import { runsMessages } from './runs-samples.ts'
import { blocks, callAnswers, callRequests, gossip, invite } from './samples.ts'

const DECODERS: Record<string, { decode(bytes: Uint8Array): unknown; real: Uint8Array[] }> = {
  block: { decode: decodeBlock, real: Object.values({ ...blocks, ...planBlocks, ...sessionBlocks }).map(encodeBlock) },
  link: { decode: decodeLink, real: [...linkMessages, ...runsMessages].map(encodeLink) },
  gossip: { decode: decodeGossip, real: Object.values(gossip).map(encodeGossip) },
  'call request': { decode: decodeCallRequest, real: callRequests.map(encodeCall) },
  'call answer': { decode: decodeCallAnswer, real: callAnswers.map(encodeCall) },
}
/** A kind of message that is none of a link's is skipped there: as good as refused. */
const isRefused = (result: unknown): boolean =>
  result === undefined || (typeof result === 'object' && result !== null && ('invalid' in result || 'skipped' in result))
const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))

const NOT_CANONICAL: Record<string, Uint8Array> = {
  'nothing at all': hex(''),
  'a map with one key twice': hex('a2 6174 6361636b 6174 6361636b'),
  'keys out of order': hex('a2 6274 31 01 6174 02'),
  'a number in more bytes than it needs': hex('a1 6174 1801'),
  'an indefinite map': hex('bf 6174 6361636b ff'),
  'an indefinite string': hex('a1 6174 7f 6361636b ff'),
  'not a number': hex('a1 6174 fb7ff8000000000000'),
  undefined: hex('f7'),
  'an unknown tag': hex('c1 00'),
  'a map that ends early': hex('a2 6174'),
  'a byte too many': Buffer.concat([encodeLink(linkMessages[1]!), Uint8Array.of(0)]),
  'a string of 4 GB that is not there': hex('7a ffffffff 61'),
  'an array of 2^53 items that are not there': hex('9b 001fffffffffffff'),
  'arrays in arrays, a hundred thousand deep': new Uint8Array(100_000).fill(0x81),
  'maps in maps, fifty thousand deep': new Uint8Array(150_000).fill(0xa1).map((_, i) => [0xa1, 0x61, 0x74][i % 3]!),
}

test.each(Object.entries(NOT_CANONICAL))('%s is refused by every decoder', (_, bytes) => {
  for (const [name, { decode }] of Object.entries(DECODERS)) expect(isRefused(decode(bytes)), name).toBe(true)
})

test.each([
  ['a number', 1],
  ['a list', []],
  ['an empty map', {}],
  ['a head of the wrong type', { t: 7 }],
  ['a log with a negative end', { t: 'ack', epoch: 1, seq: -1 }],
  ['fractions where counts belong', { t: 'heads', heads: [['x', 1.5, 2]] }],
  ['a message whose parts have the wrong types', { t: 'accept', id: '1', version: {}, items: 'all' }],
  ['an operation with text for a number', { op: 'log', task: 'x', epoch: '1', from: 0, follow: true }],
])('%s is refused by every decoder', (_, value) => {
  for (const [name, { decode }] of Object.entries(DECODERS)) expect(isRefused(decode(encode(value))), name).toBe(true)
})

test('what is too large is refused before it is read', () => {
  expect(decodeBlock(new Uint8Array(BLOCK_BYTES_MAX + 1))).toEqual({
    invalid: `block of ${BLOCK_BYTES_MAX + 1} bytes is over ${BLOCK_BYTES_MAX}`,
  })
  expect(decodeLink(new Uint8Array(FRAME_BYTES_MAX + 1))).toEqual({
    invalid: `frame of ${FRAME_BYTES_MAX + 1} bytes is over ${FRAME_BYTES_MAX}`,
  })
  expect(decodeGossip(new Uint8Array(GOSSIP_BYTES_MAX + 1))).toEqual({ invalid: 'too large' })
  const first = blocks['first of a mesh']!
  const tooMany = { ...first, entries: Array.from({ length: BLOCK_ENTRIES_MAX + 1 }, () => ({ kind: 'dream' })) }
  expect(decodeBlock(encodeBlock(tooMany))).toEqual({ invalid: expect.stringContaining('entries') })
  expect(decodeInvite(`nim1-${'0'.repeat(9_000)}`)).toEqual({ invalid: 'not-an-invite' })
  expect(decodeCursor('A'.repeat(70_000))).toBeUndefined()
})

test('noise gives a verdict', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const { decode } of Object.values(DECODERS)) decode(bytes)
      decodeCursor(Buffer.from(bytes).toString('base64url'))
      decodeInvite(Buffer.from(bytes).toString('latin1'))
      fromBase32(Buffer.from(bytes).toString('latin1'))
    }),
    { numRuns: 2_000 },
  )
})

test.each(Object.entries(DECODERS))('a real %s with one byte changed, cut or repeated gives a verdict', (_, { decode, real }) => {
  fc.assert(
    fc.property(fc.constantFrom(...real), fc.nat(), fc.nat(255), fc.nat(), (bytes, at, value, cut) => {
      const altered = new Uint8Array(bytes)
      altered[at % altered.length] = value
      decode(altered)
      decode(bytes.subarray(0, cut % bytes.length))
      decode(Buffer.concat([bytes, bytes]))
    }),
    { numRuns: 1_000 },
  )
})

test('an invite with one character changed is altered, whatever the character', () => {
  const text = encodeInvite(invite)
  for (let at = 5; at < text.length - 1; at++) {
    const other = text[at] === 'z' ? 'y' : 'z'
    expect(decodeInvite(text.slice(0, at) + other + text.slice(at + 1)), `character ${at}`).toEqual({ invalid: 'altered' })
  }
  expect(decodeInvite(text.replace('nim1-', 'nim2-'))).toEqual({ invalid: 'not-an-invite' })
})
