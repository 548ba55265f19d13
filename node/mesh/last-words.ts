// "My term has ended", heard over UDP: a dead node's guardian sends what the node signed in advance. One datagram,
// sealed with a key of the mesh; whatever does not open is dropped without an answer, so the port tells nobody anything.
import { decode, encode } from '@ipld/dag-cbor'
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import * as z from 'zod'
import type { PeerId } from '../../protocols/ids.ts'
import type { LastWords } from '../../protocols/trust.ts'
import { DOMAIN, lastWords } from '../../protocols/trust.ts'
import type { Clock } from '../kernel/clock.ts'
import { messageOf } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'

const DATAGRAM_BYTES_MAX = 512
/** Datagrams looked at in a second; more are dropped unread. */
const DATAGRAMS_PER_SECOND_MAX = 200
const NONCE_BYTES = 12
const TAG_BYTES = 16

const sealed = z.tuple([z.instanceof(Uint8Array), z.instanceof(Uint8Array)])

/**
 * One datagram, ready to send: nonce, ciphertext, tag.
 * @param body DAG-CBOR of LastWords
 * @param signature the node's, over DOMAIN.lastWords and the body
 */
export function sealLastWords(psk: Uint8Array, body: Uint8Array, signature: Uint8Array): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('chacha20-poly1305', keyOf(psk), nonce, { authTagLength: TAG_BYTES })
  return Buffer.concat([nonce, cipher.update(encode([body, signature])), cipher.final(), cipher.getAuthTag()])
}

export function encodeLastWords(words: LastWords): Uint8Array {
  return encode(words)
}

export type LastWordsComponents = {
  psk: Uint8Array
  mesh: string
  clock: Pick<Clock, 'nowMs'>
  log: Log
  /** True where a member's own signature stands over the domain and the bytes. */
  verifyMember(peer: PeerId, domain: string, bytes: Uint8Array, signature: Uint8Array): boolean
  onLastWords(node: PeerId, term: string): void
}
export type LastWordsListener = { start(): Promise<{ port: number }>; stop(): Promise<void> }

export function createLastWordsListener(
  components: LastWordsComponents,
  { host, port }: { host: string; port: number },
): LastWordsListener {
  const { clock, log, mesh, verifyMember, onLastWords } = components
  const key = keyOf(components.psk)
  let socket: Socket | undefined
  let windowStartMs = 0
  let inWindow = 0
  const withinRate = (): boolean => {
    if (clock.nowMs() - windowStartMs >= 1000) {
      windowStartMs = clock.nowMs()
      inWindow = 0
    }
    return ++inWindow <= DATAGRAMS_PER_SECOND_MAX
  }
  const hear = (datagram: Uint8Array): void => {
    if (datagram.length > DATAGRAM_BYTES_MAX || !withinRate()) return
    const opened = openLastWords(key, datagram)
    if (opened === undefined || opened.words.mesh !== mesh) return
    if (verifyMember(opened.words.node, DOMAIN.lastWords, opened.body, opened.signature)) onLastWords(opened.words.node, opened.words.term)
  }
  return {
    async start() {
      const opened = createSocket(host.includes(':') ? 'udp6' : 'udp4')
      opened.on('message', hear)
      opened.on('error', (error) => log.warn({ reason: messageOf(error) }, 'last words socket failed'))
      opened.bind(port, host)
      await once(opened, 'listening')
      opened.unref()
      socket = opened
      return { port: opened.address().port }
    },
    async stop() {
      const closing = socket
      socket = undefined
      if (closing !== undefined) await new Promise<void>((resolve) => closing.close(() => resolve()))
    },
  }
}

function openLastWords(key: Uint8Array, datagram: Uint8Array): { words: LastWords; body: Uint8Array; signature: Uint8Array } | undefined {
  if (datagram.length <= NONCE_BYTES + TAG_BYTES) return undefined
  try {
    const decipher = createDecipheriv('chacha20-poly1305', key, datagram.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAuthTag(datagram.subarray(-TAG_BYTES))
    const plain = Buffer.concat([decipher.update(datagram.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    const [body, signature] = sealed.parse(decode(plain))
    return { words: lastWords.parse(decode(body)), body, signature }
  } catch {
    return undefined // anybody can send a datagram here; only one of the mesh opens
  }
}

function keyOf(psk: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', psk, new Uint8Array(), 'nimbus/last-words/v1', 32))
}
