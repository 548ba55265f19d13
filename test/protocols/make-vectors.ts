// Makes protocols/vectors/*.json: golden bytes of every codec, for the tests here and for SDKs in other languages.
// Deterministic. Run it with `node test/protocols/make-vectors.ts` when the protocol has changed on purpose.
import { encode } from '@ipld/dag-cbor'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BLOCK_DOMAIN, blockDigest, blockSigningBytes, encodeBlock } from '../../protocols/blocks.ts'
import { encodeCall } from '../../protocols/calls.ts'
import { encodeGossip } from '../../protocols/gossip.ts'
import { base32, blobHash, onceId, taskId } from '../../protocols/ids.ts'
import { batchTaskIds } from '../../protocols/tasks/task-runs.ts'
import { encodeTerminalFrame } from '../../protocols/terminals/frames.ts'
import { encodeLink } from '../../protocols/streams.ts'
import { DOMAIN, encodeInvite, meshIdOf } from '../../protocols/trust.ts'
import { frameValue } from '../../node/store/checked-value.ts'
import { encodeCursor } from '../../node/tasks/view/cursor.ts'
import { hostedBlocks, hostedCalls } from './hosted-samples.ts'
import { lineAnswers, lineCalls } from './tasks/line-samples.ts'
import { planBlocks } from './plan-samples.ts'
import { linkMessages } from './link-samples.ts'
import { runsMessages } from './runs-samples.ts'
import { secretBlocks, secretCalls } from './secret-samples.ts'
import { serviceBlocks } from './service-samples.ts'
import { sessionBlocks } from './session-samples.ts'
import * as samples from './samples.ts'
import { terminalCalls, terminalFrames } from '../node/terminals/samples.ts'

export const VECTORS_DIR = join(import.meta.dirname, '../../protocols/vectors')

/** A value with bytes as `{"$bytes": hex}`, and what a codec makes of it as hex. */
export type Vector = { name: string; value: unknown; hex: string } & Record<string, unknown>

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const { alice } = samples

function signedRecord(name: string, domain: string, value: unknown): Vector {
  const body = encode(value)
  return { name, value: toJson(value), hex: hex(body), domain, signer: alice.peerId, signature: hex(alice.sign(domain, body)) }
}

/** The content of each file, by name. */
export function makeVectors(): Record<string, unknown> {
  const { blocks, callAnswers, callRequests, genesis, gossip, invite } = samples
  const plain = (name: string, value: unknown, bytes: Uint8Array): Vector => ({ name, value: toJson(value), hex: hex(bytes) })
  return {
    ids: {
      signer: { seed: hex(alice.seed), peerId: alice.peerId },
      base32: ['', '00', 'ff', '0001020304', 'deadbeefcafe'].map((bytes) => ({ hex: bytes, text: base32(Buffer.from(bytes, 'hex')) })),
      taskIds: [0, 1, samples.CREATED_AT, 2 ** 50 - 1].map((timeMs) => ({
        author: alice.peerId,
        timeMs,
        nonce: hex(samples.NONCE),
        id: taskId(alice.peerId, timeMs, samples.NONCE),
      })),
      onceIds: [
        { dedupe: 'nightly build' },
        { schedule: { id: 'backup', at: samples.CREATED_AT } },
        { service: { name: 'web', generation: 2 } },
      ].map((name) => ({
        name,
        id: onceId(name),
      })),
      batchTaskIds: {
        author: alice.peerId,
        timeMs: samples.CREATED_AT,
        nonce: hex(samples.NONCE),
        first: 30,
        ids: batchTaskIds(alice.peerId, samples.CREATED_AT, samples.NONCE, 30, 4),
      },
      blobHashes: ['', 'hi\n'].map((text) => ({ text, hash: blobHash(Buffer.from(text)) })),
    },
    blocks: Object.entries({ ...blocks, ...planBlocks, ...secretBlocks, ...serviceBlocks, ...hostedBlocks, ...sessionBlocks }).map(
      ([name, block]) => {
        const body = encodeBlock(block)
        const signing = blockSigningBytes(body)
        return {
          ...plain(name, block, body),
          digest: hex(blockDigest(body)),
          signingBytes: hex(signing),
          signature: hex(alice.sign(BLOCK_DOMAIN, body)),
        }
      },
    ),
    registers: Object.entries(samples.registerValues).map(([name, value]) => plain(name, value, encode(value))),
    links: [...linkMessages, ...runsMessages].map((message) => plain(message.t, message, encodeLink(message))),
    gossip: Object.entries(gossip).map(([name, message]) => plain(name, message, encodeGossip(message))),
    calls: {
      requests: [...callRequests, ...secretCalls, ...hostedCalls, ...terminalCalls, ...lineCalls].map((request) =>
        plain(request.op, request, encodeCall(request)),
      ),
      answers: [...callAnswers, ...lineAnswers].map((answer) => plain(answer.t, answer, encodeCall(answer))),
    },
    terminals: terminalFrames.map((frame) => plain(frame.t, frame, encodeTerminalFrame(frame))),
    trust: {
      meshId: meshIdOf(encode(genesis)),
      records: [
        signedRecord('genesis', DOMAIN.genesis, genesis),
        signedRecord('certificate', DOMAIN.certificate, samples.certificate),
        signedRecord('removal', DOMAIN.removal, samples.removal),
        signedRecord('last words', DOMAIN.lastWords, samples.lastWords),
      ],
      invite: { value: toJson(invite), text: encodeInvite(invite) },
    },
    store: {
      checkedValues: ['', '00', '6869'].map((payload) => ({ payload, framed: hex(frameValue(Buffer.from(payload, 'hex'))) })),
      cursors: [[], [[alice.peerId, 7, 12]] as [typeof alice.peerId, number, number][]].map((heads) => ({
        heads,
        cursor: encodeCursor(heads),
      })),
    },
  }
}

export function toJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: hex(value) }
  if (Array.isArray(value)) return value.map(toJson)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toJson(one)]))
}

if (import.meta.main) {
  mkdirSync(VECTORS_DIR, { recursive: true })
  for (const [name, content] of Object.entries(makeVectors())) {
    writeFileSync(join(VECTORS_DIR, `${name}.json`), `${JSON.stringify(content, null, 2)}\n`)
  }
}
