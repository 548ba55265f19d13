// Names of things in the mesh, as branded strings. Nothing here does I/O.
import { createHash } from 'node:crypto'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** libp2p peer ID of a node, base58 (`12D3Koo…`). One node, one worker, one identity. */
export type PeerId = Branded<'PeerId'>
/** Task ID: 10 characters of creation time, 16 of a hash that binds the author; lower-case base32, sorts by time. Or `onceId`. */
export type TaskId = Branded<'TaskId'>
/** Message ID: of the form of a task ID; binds author and content. */
export type MessageId = Branded<'MessageId'>
/** ID of an entry of knowledge: of the form of a task ID; binds author and content. */
export type KnowledgeId = Branded<'KnowledgeId'>
/** ID of a token: of the form of a task ID; binds author and content. */
export type TokenId = Branded<'TokenId'>
/** Mesh ID: the hash of the genesis record, lower-case base32. */
export type MeshId = Branded<'MeshId'>
/** SHA-256 of a blob, lower-case hex. */
export type BlobHash = Branded<'BlobHash'>
/** Key of a named register: `@lock/deploy`. Its first character keeps it apart from every task ID. */
export type NameKey = Branded<'NameKey'>
/** What a keeper keeps a register for. */
export type RegisterKey = TaskId | NameKey
/**
 * One uninterrupted lease of a node over its work: `EPOCH.COUNTER` of the node that holds it, `EPOCH.COUNTER~MS` where the
 * keepers wait longer than usual for it, and `EPOCH` for the whole life of the process, which ends all its terms.
 */
export type Term = Branded<'Term'>

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const TASK_ID = /^[0-9a-hjkmnp-tv-z]{26}$/
const NAME_KEY = /^@(lock|limit|count|rate|repo|budget)\/\P{Cc}{1,128}$/u
const PEER_ID = /^12D3Koo[1-9A-HJ-NP-Za-km-z]{45}$/

/** The life of the process to which a term belongs. */
export function lifeOf(term: Term): Term {
  const dot = term.indexOf('.')
  return (dot < 0 ? term : term.slice(0, dot)) as Term
}

/** How long the keepers wait for this term, where its name says so. */
export function longTermMs(term: Term): number | undefined {
  const at = term.indexOf('~')
  const ms = at < 0 ? Number.NaN : Number(term.slice(at + 1))
  return Number.isSafeInteger(ms) && ms > 0 ? ms : undefined
}

export function isTaskId(text: string): text is TaskId {
  return TASK_ID.test(text)
}

export function isNameKey(text: string): text is NameKey {
  return NAME_KEY.test(text) && text.isWellFormed()
}

export function isPeerId(text: string): text is PeerId {
  return PEER_ID.test(text)
}

/** Crockford base32 without padding, lower case. */
export function base32(bytes: Uint8Array): string {
  let out = ''
  let bits = 0
  let buffer = 0
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      out += ALPHABET[(buffer >> bits) & 31]
      buffer &= (1 << bits) - 1
    }
  }
  return bits > 0 ? out + ALPHABET[(buffer << (5 - bits)) & 31] : out
}

/** The inverse of `base32`; undefined where a character does not belong to the alphabet. */
export function fromBase32(text: string): Uint8Array | undefined {
  const out = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let buffer = 0
  let at = 0
  for (const character of text) {
    const value = ALPHABET.indexOf(character)
    if (value < 0) return undefined
    buffer = (buffer << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      out[at++] = (buffer >> bits) & 255
      buffer &= (1 << bits) - 1
    }
  }
  return out
}

/**
 * The ID of a task. It binds author and nonce, so that no other member can create a second task under the same ID.
 * @param timeMs creation time, milliseconds since 1970
 */
export function taskId(author: PeerId, timeMs: number, nonce: Uint8Array): TaskId {
  const hash = createHash('sha256').update(`nimbus/task/v1\0${author}\0${timeMs}\0`).update(nonce).digest()
  return (timeText(timeMs) + base32(hash.subarray(0, 10))) as TaskId
}

/** The first ten characters of a task ID: milliseconds since 1970 in base32; they sort by time. */
export function timeText(timeMs: number): string {
  let time = ''
  for (let rest = timeMs, i = 0; i < 10; i++) {
    time = ALPHABET[rest % 32] + time
    rest = Math.floor(rest / 32)
  }
  return time
}

/**
 * The ID of a message. It binds author and content, so that one ID never stands for two messages.
 * @param content canonical bytes of what it says and to whom
 */
export function messageId(author: PeerId, timeMs: number, nonce: Uint8Array, content: Uint8Array): MessageId {
  const hash = createHash('sha256').update(`nimbus/message/v1\0${author}\0${timeMs}\0`).update(nonce).update(content).digest()
  return (timeText(timeMs) + base32(hash.subarray(0, 10))) as MessageId
}

export function isMessageId(text: string): text is MessageId {
  return TASK_ID.test(text)
}

export function isKnowledgeId(text: string): text is KnowledgeId {
  return TASK_ID.test(text)
}

export function isTokenId(text: string): text is TokenId {
  return TASK_ID.test(text)
}

/** The time in the ID of a message, an entry of knowledge or a token, milliseconds since 1970. */
export function timeOfId(id: MessageId | KnowledgeId | TokenId): number {
  return Array.from(id.slice(0, 10)).reduce((time, character) => time * 32 + ALPHABET.indexOf(character), 0)
}

/** What names a task by itself, whoever publishes it: a tick of a schedule, a generation of a service, or a key that the client gave. */
export type OnceName = {
  dedupe?: string | undefined
  schedule?: { id: string; at: number } | undefined
  service?: { name: string; generation: number } | undefined
}

/** IDs that follow from a name begin with this; the first character of a time stays `0` for longer than clocks will run. */
const ONCE_MARK = 'z'

/** The ID of a task that exists once in the mesh: every node derives the same one from its name. Undefined where it has none. */
export function onceId(of: OnceName): TaskId | undefined {
  const name = nameOf(of)
  if (name === undefined) return undefined
  const hash = createHash('sha256').update(`nimbus/once/v1\0default\0${name}`).digest()
  return (ONCE_MARK + base32(hash).slice(0, 25)) as TaskId
}

function nameOf({ schedule, service, dedupe }: OnceName): string | undefined {
  if (schedule !== undefined) return `schedule\0${schedule.id}\0${schedule.at}`
  if (service !== undefined) return `service\0${service.name}\0${service.generation}`
  return dedupe === undefined ? undefined : `dedupe\0${dedupe}`
}

/** Whether the ID follows from a name, so that several members may have published the task. */
export function isOnceId(id: TaskId): boolean {
  return id.startsWith(ONCE_MARK)
}

/** SHA-256 as lower-case hex. */
export function blobHash(bytes: Uint8Array): BlobHash {
  return createHash('sha256').update(bytes).digest('hex') as BlobHash
}
