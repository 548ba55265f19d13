// What members write into their logs. Records are validated where they enter; fields that this version does not
// know stay in the stored bytes, so that an older node hands on what a newer one wrote.
import * as z from 'zod'
import { bytesOf } from './bytes.ts'
import type { BlobHash, PeerId, TaskId, Term } from './ids.ts'
import { isPeerId, isTaskId } from './ids.ts'

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')
const taskId = z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value), 'not a task ID')
const count = z.int().min(0)
const timeMs = z.int().min(0)
const word = z.string().min(1).max(128)
const label = z.record(word, z.string().max(256))

/** What a task asks for, as it is signed by its author. Durations in milliseconds. */
export const taskSpec = z.looseObject({
  kind: z.literal('shell'),
  name: z.string().max(200).optional(),
  argv: z.array(z.string().max(32_768)).min(1).max(1024),
  repo: z.string().max(2048).optional(),
  ref: z.string().max(256).optional(),
  worker: word.optional(),
  skills: z.array(word).max(32).optional(),
  roles: z.array(word).max(32).optional(),
  pool: word.optional(),
  labels: label.optional(),
  priority: z.int().min(0).max(9),
  timeoutMs: z.int().min(1).optional(),
  attempts: z.int().min(1).max(100),
  notBefore: timeMs.optional(),
  env: z.record(z.string().max(256), z.string().max(32_768)).optional(),
  retryOf: taskId.optional(),
})
export type TaskSpec = z.infer<typeof taskSpec>

/** How one run ended. `exitCode` and `signal` come from the process; `error` says why no process ended by itself. */
export const outcome = z.looseObject({
  result: z.enum(['succeeded', 'failed', 'cancelled', 'lost']),
  exitCode: z.int().optional(),
  signal: z.string().max(32).optional(),
  timedOut: z.boolean().optional(),
  error: z.string().max(2048).optional(),
  endedAt: timeMs,
  log: z.looseObject({ hash: z.custom<BlobHash>((v) => typeof v === 'string' && v.length === 64), size: count }).optional(),
  tail: z.string().max(16_384).optional(),
})
export type Outcome = z.infer<typeof outcome>

/** The value of a task's register. `version` grows by one with each change; `epoch` is the fencing token. */
export const registerValue = z.looseObject({
  version: count,
  epoch: count,
  state: z.enum(['free', 'held', 'settled']),
  holder: peerId.optional(),
  term: z.custom<Term>((v) => typeof v === 'string' && v.length <= 64).optional(),
  startedAt: timeMs.optional(),
  attempt: count,
  notBefore: timeMs.optional(),
  /** The end of the epoch before this value (free, held), or of this epoch (settled). */
  outcome: outcome.optional(),
  /** How a settled task ended. */
  end: z.enum(['succeeded', 'failed', 'dead', 'cancelled']).optional(),
})
export type RegisterValue = z.infer<typeof registerValue>

export const taskRecord = z.looseObject({
  kind: z.literal('task'),
  id: taskId,
  createdAt: timeMs,
  nonce: bytesOf(16),
  spec: taskSpec,
  /** The process (node and its epoch) that may claim first, without the prepare round: ballot zero belongs to it alone. */
  preferred: z.tuple([peerId, z.int().min(1)]).optional(),
})
const cancelRecord = z.looseObject({ kind: z.literal('cancel'), task: taskId, reason: z.string().max(500).optional() })
const registerRecord = z.looseObject({ kind: z.literal('register'), task: taskId, value: registerValue })
/** A majority of keepers has ended this term of this node: whatever it held may be taken. */
const termRecord = z.looseObject({
  kind: z.literal('term'),
  node: peerId,
  term: z.custom<Term>((v) => typeof v === 'string' && v.length <= 64),
})
/** The seats of a keeper group from this version on. */
const groupRecord = z.looseObject({
  kind: z.literal('group'),
  group: z.literal('default'),
  version: count,
  seats: z.array(peerId).min(1).max(6),
})
/** What a worker says of itself for as long as it is a member. */
export const profileRecord = z.looseObject({
  kind: z.literal('profile'),
  name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i),
  roles: z.array(word).max(32),
  skills: z.array(word).max(64),
  labels: label,
  pool: word.optional(),
  repo: z.string().max(2048).optional(),
  slots: z.int().min(0).max(1024),
  accept: z.array(z.string().max(256)).max(64),
  version: z.string().max(64),
})

export type TaskRecord = z.infer<typeof taskRecord>
export type ProfileRecord = z.infer<typeof profileRecord>

export const entry = z.discriminatedUnion('kind', [taskRecord, cancelRecord, registerRecord, termRecord, groupRecord, profileRecord])
export type Entry = z.infer<typeof entry>
/** An entry of a kind that this version does not know: kept and handed on, never folded. */
export type UnknownEntry = { kind: string }
export const KNOWN_KINDS: ReadonlySet<string> = new Set(['task', 'cancel', 'register', 'term', 'group', 'profile'])
