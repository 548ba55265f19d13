// Golden vectors, both ways: today's encoders give these bytes, today's decoders read them. A failure here is a change of
// the protocol: nodes of different versions would not understand each other.
import { decode } from '@ipld/dag-cbor'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { BLOCK_DOMAIN, blockDigest, blockSigningBytes, decodeBlock, decodeOwnBlock, encodeBlock } from '../../protocols/blocks.ts'
import { decodeCallAnswer, decodeCallRequest } from '../../protocols/calls.ts'
import { decodeGossip } from '../../protocols/gossip.ts'
import type { PeerId } from '../../protocols/ids.ts'
import { base32, fromBase32, isOnceId, isPeerId, isTaskId } from '../../protocols/ids.ts'
import { registerValue } from '../../protocols/records.ts'
import { decodeTerminalFrame } from '../../protocols/terminals/frames.ts'
import { decodeLink, encodeLink, linkMessage } from '../../protocols/streams.ts'
import { certificate, decodeInvite, genesis, lastWords, removal } from '../../protocols/trust.ts'
import { unframeValue } from '../../node/store/checked-value.ts'
import { decodeCursor } from '../../node/tasks/view/cursor.ts'
import type { Vector } from './make-vectors.ts'
import { makeVectors, toJson, VECTORS_DIR } from './make-vectors.ts'
import { alice } from './samples.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- the files are read as an SDK reads them, without our types
const read = (name: string): any => JSON.parse(readFileSync(join(VECTORS_DIR, `${name}.json`), 'utf8'))
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))

test('every codec gives the bytes of its golden vectors', () => {
  const made = makeVectors()
  expect(readdirSync(VECTORS_DIR).sort()).toEqual(
    Object.keys(made)
      .map((name) => `${name}.json`)
      .sort(),
  )
  for (const [name, content] of Object.entries(made)) expect(JSON.parse(JSON.stringify(content)), name).toEqual(read(name))
})

test.each<[string, (hex: Uint8Array) => unknown, Vector[]]>([
  ['blocks', decodeBlock, read('blocks')],
  ['registers', (body) => registerValue.parse(decode(body)), read('registers')],
  ['links', decodeLink, read('links')],
  ['gossip', decodeGossip, read('gossip')],
  ['call requests', decodeCallRequest, read('calls').requests],
  ['terminals', decodeTerminalFrame, read('terminals')],
  ['call answers', decodeCallAnswer, read('calls').answers],
])('%s are read from their golden bytes', (_, decoder, vectors) => {
  for (const { name, value, hex } of vectors) expect(toJson(decoder(bytes(hex))), name).toEqual(value)
})

test('the vectors hold every kind of message of a link', () => {
  const kinds = linkMessage.options.map((option) => option.shape.t.value)
  expect(
    read('links')
      .map((vector: Vector) => vector.name)
      .sort(),
  ).toEqual([...kinds].sort())
})

test('block digests, signing bytes and signatures are those of the vectors', () => {
  for (const { hex, digest, signingBytes, signature } of read('blocks')) {
    expect(Buffer.from(blockDigest(bytes(hex))).toString('hex')).toBe(digest)
    expect(Buffer.from(blockSigningBytes(bytes(hex))).toString('hex')).toBe(signingBytes)
    expect(alice.verifyPeer(alice.peerId, BLOCK_DOMAIN, bytes(hex), bytes(signature))).toBe(true)
    expect(alice.verifyPeer(alice.peerId, 'nimbus/certificate/v1\0', bytes(hex), bytes(signature))).toBe(false)
  }
})

test('records of trust are read and their signatures hold under their own domain only', () => {
  const schemas = { genesis, certificate, removal, 'last words': lastWords } as const
  for (const { name, value, hex, domain, signer, signature } of read('trust').records) {
    expect(toJson(schemas[name as keyof typeof schemas].parse(decode(bytes(hex))))).toEqual(value)
    expect(alice.verifyPeer(signer as PeerId, domain, bytes(hex), bytes(signature)), name).toBe(true)
    expect(alice.verifyPeer(signer as PeerId, BLOCK_DOMAIN, bytes(hex), bytes(signature)), name).toBe(false)
  }
  const { text, value } = read('trust').invite
  expect(toJson(decodeInvite(text))).toEqual(value)
  expect(toJson(decodeInvite(` ${text.toUpperCase().replace('NIM1-', 'nim1-')}\n`))).toEqual(value)
})

test('ids, base32, frames and cursors are read back', () => {
  const { base32: samples, taskIds, onceIds, signer } = read('ids')
  expect(isPeerId(signer.peerId)).toBe(true)
  for (const { hex, text } of samples) {
    expect(base32(bytes(hex))).toBe(text)
    expect(Buffer.from(fromBase32(text) ?? []).toString('hex')).toBe(hex)
  }
  for (const { id } of taskIds) expect(isTaskId(id), id).toBe(true)
  for (const { id } of onceIds) expect([isTaskId(id), isOnceId(id)], id).toEqual([true, true])
  expect([...taskIds].map(({ id }) => id)).toEqual([...taskIds].map(({ id }) => id).sort((a, b) => (a < b ? -1 : 1)))
  for (const { payload, framed } of read('store').checkedValues)
    expect(Buffer.from(unframeValue(bytes(framed)) ?? []).toString('hex')).toBe(payload)
  for (const { heads, cursor } of read('store').cursors) {
    for (const [author, epoch, seq] of heads) expect(decodeCursor(cursor)?.(author, epoch)).toBe(seq)
  }
})

test('fields and kinds that this version does not know survive', () => {
  const message = { ...decodeLink(bytes(read('links')[1].hex)), later: { added: [1, 'two'] } }
  expect(decodeLink(encodeLink(message as Parameters<typeof encodeLink>[0]))).toEqual(message)
  const body = bytes(read('blocks')[2].hex)
  const known = { ...decodeOwnBlock(body), signedLater: 1 }
  const again = encodeBlock(known)
  expect(decodeBlock(again)).toEqual(known)
  expect(encodeBlock(decodeOwnBlock(again))).toEqual(again)
  expect(decodeLink(encodeLink({ t: 'hologram', id: 1 } as unknown as Parameters<typeof encodeLink>[0]))).toEqual({ skipped: 'hologram' })
})
