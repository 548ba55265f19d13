// The messages of a link: one long-lived stream a direction between two members, length-prefixed DAG-CBOR frames.
// `lane` says which queue a frame waits in at the sender; control overtakes data, data overtakes bulk.
import { decode, encode } from '@ipld/dag-cbor'
import * as z from 'zod'
import { bytesOf, bytesUpTo } from './bytes.ts'
import type { PeerId, RegisterKey, TaskId, Term } from './ids.ts'
import { isNameKey, isPeerId, isTaskId } from './ids.ts'
import {
  BLOCK_BYTES_MAX,
  BLOCK_ENTRIES_MAX,
  FRAME_BYTES_MAX,
  HEADS_MAX,
  REGISTER_BATCH_MAX,
  STATUS_BYTES_MAX,
  TERMS_MAX,
  SESSION_LINE_MAX,
} from './limits.ts'
import type { TaskRun } from './tasks/task-runs.ts'
import { countTasks, runsUpTo } from './tasks/task-runs.ts'
import type { RegisterValue } from './records.ts'
import { registerValue } from './records.ts'
import { presence } from './presence.ts'

export const PROTOCOL = {
  link: '/nimbus/link/1',
  join: '/nimbus/join/1',
  call: '/nimbus/call/1',
  pipe: '/nimbus/pipe/1',
} as const

export type Lane = 'control' | 'data' | 'bulk'

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value))
const taskId = z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value))
/** The key of a register: a task, or a name. */
const registerKey = z.custom<RegisterKey>((value) => typeof value === 'string' && (isTaskId(value) || isNameKey(value)))
const term = z.custom<Term>((value) => typeof value === 'string' && value.length <= 64)
/** Characters of the longest key of a register. */
const REGISTER_KEY_MAX = 160
const count = z.int().min(0)

/** Totally ordered: by round, then by node. Round 0 belongs to the task's `preferred` node alone. */
export const ballot = z.tuple([count, z.union([peerId, z.literal('')])])
export type Ballot = z.infer<typeof ballot>

/** How far one log is known: [author, epoch, seq]. */
export const head = z.tuple([peerId, z.int().min(1), count])
export type Head = z.infer<typeof head>

const sealed = z.tuple([bytesUpTo(BLOCK_BYTES_MAX), bytesOf(64)])
export const groupConfig = z.looseObject({
  version: z.int().min(1),
  seats: z.array(peerId).min(1).max(6),
  /** Not decided by the version before: its majority is lost, and an admin said how to go on. */
  recovered: z.boolean().optional(),
})
export type GroupConfig = z.infer<typeof groupConfig>

/** What a request or an answer says of many tasks at once. */
const runs = runsUpTo(REGISTER_BATCH_MAX)
const groupsOf = <Group extends z.ZodType<{ tasks?: TaskRun[] | undefined }>>(group: Group) =>
  z
    .array(group)
    .min(1)
    .max(REGISTER_BATCH_MAX)
    .refine(
      (groups) => groups.reduce((sum, { tasks }) => sum + countTasks(tasks ?? []), 0) <= REGISTER_BATCH_MAX,
      `more than ${REGISTER_BATCH_MAX} tasks`,
    )
const prepareItem = z.looseObject({ task: registerKey, ballot })
const acceptItem = z.looseObject({ task: registerKey, ballot, value: registerValue })
/**
 * A keeper's answer to one item: `promised` where a higher ballot stands, `unknown` where the task has not arrived, `full` where
 * the seat keeps as many names as it may.
 */
const verdict = {
  ok: z.boolean(),
  promised: ballot.optional(),
  unknown: z.boolean().optional(),
  full: z.boolean().optional(),
  accepted: z.looseObject({ ballot, value: registerValue }).optional(),
  /** The seat has forgotten the register, because its log holds this last value. */
  settled: registerValue.optional(),
}
export const keeperAnswer = z.looseObject({ task: registerKey, ...verdict })
const verdictOnMany = z.looseObject({ ...verdict, tasks: runs.optional() })
export type KeeperVerdict = z.infer<typeof verdictOnMany>
export type PrepareItem = { task: RegisterKey; ballot: Ballot }
export type AcceptItem = { task: RegisterKey; ballot: Ballot; value: RegisterValue }
export type KeeperAnswer = z.infer<typeof keeperAnswer>

const request = { id: count, version: count }
export const linkMessage = z.discriminatedUnion('t', [
  // replication
  z.looseObject({ t: z.literal('blocks'), blocks: z.array(sealed).min(1).max(BLOCK_ENTRIES_MAX) }),
  z.looseObject({ t: z.literal('ack'), epoch: count, seq: count }),
  z.looseObject({ t: z.literal('digest'), hash: z.string().max(64), answer: z.boolean() }),
  z.looseObject({ t: z.literal('vector'), heads: z.array(head).max(10_000), answer: z.boolean() }),
  // a mesh where not every two are linked: blocks are passed on
  /** "You are my neighbour", or not any more, or there is no room. */
  z.looseObject({ t: z.literal('neighbour'), on: z.boolean() }),
  /** Logs that stand here: the receiver asks for what does not reach it in another way. */
  z.looseObject({ t: z.literal('have'), heads: z.array(head).min(1).max(HEADS_MAX) }),
  /** "I have blocks of these authors from another neighbour": no more of them to me. */
  z.looseObject({ t: z.literal('prune'), authors: z.array(peerId).min(1).max(HEADS_MAX) }),
  /** Blocks of these logs from here on, please; of all authors where the list is empty. */
  z.looseObject({ t: z.literal('graft'), heads: z.array(head).max(HEADS_MAX) }),
  /** What members said of themselves, each with its own signature. */
  z.looseObject({
    t: z.literal('statuses'),
    list: z
      .array(z.tuple([bytesUpTo(STATUS_BYTES_MAX), bytesOf(64)]))
      .min(1)
      .max(HEADS_MAX),
  }),
  // registers of a keeper group
  z.looseObject({ t: z.literal('prepare'), ...request, items: z.array(prepareItem).min(1).max(REGISTER_BATCH_MAX) }),
  z.looseObject({ t: z.literal('accept'), ...request, items: z.array(acceptItem).min(1).max(REGISTER_BATCH_MAX) }),
  z.looseObject({ t: z.literal('answers'), id: count, items: z.array(keeperAnswer).max(REGISTER_BATCH_MAX) }),
  // the same for many tasks at once; an answer without tasks is for all that were asked
  z.looseObject({ t: z.literal('prepare-runs'), ...request, groups: groupsOf(z.looseObject({ tasks: runs, ballot })) }),
  z.looseObject({
    t: z.literal('accept-runs'),
    ...request,
    groups: groupsOf(z.looseObject({ tasks: runs, ballot, value: registerValue })),
  }),
  z.looseObject({
    t: z.literal('answers-runs'),
    id: count,
    groups: groupsOf(verdictOnMany),
  }),
  z.looseObject({ t: z.literal('stale'), id: count, config: groupConfig }),
  // leases
  z.looseObject({
    t: z.literal('renew'),
    ...request,
    term,
    /** Longer terms of the same node. */ also: z.array(term).max(TERMS_MAX).optional(),
  }),
  z.looseObject({
    t: z.literal('renewed'),
    id: count,
    term,
    ok: z.boolean(),
    /** Those of `also` that have ended. */ ended: z.array(term).max(TERMS_MAX).optional(),
  }),
  z.looseObject({
    t: z.literal('fence'),
    ...request,
    node: peerId,
    term,
    /** The node says so of its own, dead term. */ own: z.boolean().optional(),
  }),
  z.looseObject({ t: z.literal('fenced'), id: count, ok: z.boolean(), remainingMs: z.int().optional() }),
  // the group's own configuration and its hand-over
  z.looseObject({ t: z.literal('seat-prepare'), id: count, version: count, ballot }),
  z.looseObject({
    t: z.literal('seat-promise'),
    id: count,
    ok: z.boolean(),
    promised: ballot.optional(),
    accepted: z.looseObject({ ballot, config: groupConfig }).optional(),
  }),
  z.looseObject({ t: z.literal('seat-accept'), id: count, version: count, ballot, config: groupConfig }),
  z.looseObject({ t: z.literal('seat-accepted'), id: count, ok: z.boolean(), promised: ballot.optional() }),
  z.looseObject({ t: z.literal('seat-read'), id: count, version: count, after: z.string().max(REGISTER_KEY_MAX) }),
  z.looseObject({
    t: z.literal('seat-state'),
    id: count,
    ok: z.boolean(),
    registers: z
      .array(z.looseObject({ task: registerKey, promised: ballot, accepted: z.looseObject({ ballot, value: registerValue }).optional() }))
      .max(REGISTER_BATCH_MAX),
    terms: z.array(z.tuple([peerId, term])).max(10_000),
    /** How far the seat knew the logs: registers of tasks that these show as settled are not listed. */
    heads: z.array(head).max(10_000).optional(),
    next: z.string().max(REGISTER_KEY_MAX).optional(),
  }),
  /** What a running attempt is doing; never stored. */
  z.looseObject({
    t: z.literal('progress'),
    task: taskId,
    epoch: count,
    phase: z.string().max(64),
    message: z.string().max(500),
    percent: z.number().optional(),
    costUsd: z.number().min(0).optional(),
  }),
  /** One event of a session that runs at the sender, from byte `at` of its attempt's output on; never stored. */
  z.looseObject({
    t: z.literal('session-output'),
    session: taskId,
    task: taskId,
    epoch: count,
    at: count,
    line: z.string().max(SESSION_LINE_MAX),
  }),
  // membership
  presence,
  z.looseObject({ t: z.literal('probe'), id: count }),
  z.looseObject({ t: z.literal('probed'), id: count }),
  z.looseObject({ t: z.literal('ask-probe'), id: count, peer: peerId }),
  z.looseObject({ t: z.literal('asked'), id: count, peer: peerId, alive: z.boolean() }),
])
export type LinkMessage = z.infer<typeof linkMessage>
export type LinkMessageOf<Kind extends LinkMessage['t']> = Extract<LinkMessage, { t: Kind }>

/** What may wait behind control, and may be lost where a lane is full: it is told again. Questions about many tasks go behind the blocks that bring them. */
const DATA: ReadonlySet<LinkMessage['t']> = new Set([
  'session-output',
  'blocks',
  'vector',
  'have',
  'statuses',
  'prepare-runs',
  'accept-runs',
])

/** The lane of each kind of message. */
export function laneOf(message: LinkMessage): Lane {
  return DATA.has(message.t) ? 'data' : message.t === 'seat-state' ? 'bulk' : 'control'
}

export function encodeLink(message: LinkMessage): Uint8Array {
  return encode(message)
}

/** Reads a frame of a peer; a kind that this version does not know is not an error, it is skipped. */
export function decodeLink(frame: Uint8Array): LinkMessage | { invalid: string } | { skipped: string } {
  if (frame.length > FRAME_BYTES_MAX) return { invalid: `frame of ${frame.length} bytes is over ${FRAME_BYTES_MAX}` }
  let value: unknown
  try {
    value = decode(frame)
  } catch (error) {
    return { invalid: `not canonical DAG-CBOR: ${(error as Error).message.slice(0, 100)}` }
  }
  const parsed = linkMessage.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  if (issue?.path.join('.') === 't' && typeof (value as { t?: unknown })?.t === 'string')
    return { skipped: String((value as { t: string }).t).slice(0, 32) }
  return { invalid: `${issue?.path.join('.')} ${issue?.message}`.slice(0, 200) }
}
