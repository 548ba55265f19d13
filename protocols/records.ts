// What members write into their logs. Records are validated where they enter; fields that this version does not
// know stay in the stored bytes, so that an older node hands on what a newer one wrote.
import * as z from 'zod'
import { tokenRecord, tokenRevocation } from './access/token-records.ts'
import { knowledgeRecord } from './agents/knowledge.ts'
import { budgetShares, moneyRecords } from './agents/cost-records.ts'
import { answerValue } from './agents/question.ts'
import { bytesOf } from './bytes.ts'
import { ARTIFACTS_MAX, NAME_PLACES_MAX, NAME_STARTS_MAX, NAME_WRITERS_MAX, REGISTER_BATCH_MAX, TASK_BATCH_MAX } from './limits.ts'
import type { BlobHash, NameKey, PeerId, TaskId, Term } from './ids.ts'
import { isNameKey, isPeerId, isTaskId } from './ids.ts'
import { hostedRef } from './githost/hosted-names.ts'
import { heldRecord, hostedRefs } from './githost/hosted-records.ts'
import { groupRecord } from './tasks/group-record.ts'
import { grantRecord, sealingKeyRecord, secretRecord } from './tasks/secret-records.ts'
import { repoAuthRecord, repoNotes } from './repos/repo-records.ts'
import { sessionOrder, sessionRecord } from './agents/session-records.ts'
import { messageRecord, readRecord } from './plan/message-records.ts'
import { pauseRecord, scheduleRecord, skipRecord } from './plan/schedule-records.ts'
import { serviceRecord, serviceStateRecord } from './services/service-records.ts'
import { turn, versionFacts } from './tasks/upgrade-records.ts'
import { runsUpTo } from './tasks/task-runs.ts'
import { taskSpec } from './tasks/task-spec.ts'
import { buildOutcome } from './tasks/build-outcome.ts'
import { toolVersions } from './tasks/tool-needs.ts'

export type { TaskSpec } from './tasks/task-spec.ts'

const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')
const taskId = z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value), 'not a task ID')
const count = z.int().min(0)
const timeMs = z.int().min(0)
const word = z.string().min(1).max(128)
const label = z.record(word, z.string().max(256))

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
  /** Which of the four time-outs ended it. */
  timeout: z.enum(['queue', 'start', 'heartbeat', 'total']).optional(),
  /** Files that the attempt left behind, each a blob. */
  artifacts: z
    .array(
      z.looseObject({ path: z.string().max(1024), hash: z.custom<BlobHash>((v) => typeof v === 'string' && v.length === 64), size: count }),
    )
    .max(ARTIFACTS_MAX)
    .optional(),
  costUsd: z.number().min(0).optional(),
  build: buildOutcome.optional(),
  notes: repoNotes.optional(),
  /** Of a task of kind `question`. */
  answer: answerValue.optional(),
  /** The task ended while nobody ran it: this is the end of no attempt. */
  unrun: z.boolean().optional(),
})
export type Outcome = z.infer<typeof outcome>

const term = z.custom<Term>((v) => typeof v === 'string' && v.length <= 64)
/**
 * What the register of a name holds (decision 0006). A place is [what holds it, its fence, since when]: a task under its epoch, or
 * a session of a lock under the fence of the lock.
 */
export const nameState = z.looseObject({
  holders: z
    .array(
      z.looseObject({
        node: peerId,
        term,
        places: z
          .array(z.tuple([z.string().min(1).max(64), count, timeMs]))
          .min(1)
          .max(NAME_PLACES_MAX),
      }),
    )
    .max(NAME_PLACES_MAX)
    .optional(),
  /** Of a counter. */
  sum: z.int().optional(),
  /** The longest window that a rate was asked for, and the starts that it has counted: [when, how many], oldest first. */
  windowMs: count.optional(),
  starts: z
    .array(z.tuple([timeMs, z.int().min(1)]))
    .max(NAME_STARTS_MAX)
    .optional(),
  /** The last operation of each node, newest last: [node, epoch of its process, number]. */
  last: z
    .array(z.tuple([peerId, count, count]))
    .max(NAME_WRITERS_MAX)
    .optional(),
  /** Decision 0023. */
  turn: turn.optional(),
  /** Of a repository that the mesh hosts, and its default branch. */
  refs: hostedRefs.optional(),
  head: hostedRef.optional(),
  budget: budgetShares.optional(),
})
export type NameState = z.infer<typeof nameState>

/** The value of a task's register. `version` grows by one with each change; `epoch` is the fencing token. */
export const registerValue = z.looseObject({
  version: count,
  epoch: count,
  state: z.enum(['free', 'held', 'settled']),
  holder: peerId.optional(),
  term: term.optional(),
  startedAt: timeMs.optional(),
  attempt: count,
  notBefore: timeMs.optional(),
  /** The end of the epoch before this value (free, held), or of this epoch (settled). */
  outcome: outcome.optional(),
  /** Where several members published the task under one ID: whose record it is that runs. Set by the first change, then kept. */
  record: peerId.optional(),
  /** How a settled task ended. */
  end: z.enum(['succeeded', 'failed', 'dead', 'cancelled']).optional(),
  /** Of the register of a name, which is always `free`; its `epoch` counts the places given. */
  name: nameState.optional(),
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
/**
 * Many tasks published at once. Task n has the n-th ID of the batch (task-runs.ts) and the spec that `items` gives it.
 * What is the same for many is written once.
 */
export const tasksRecord = z
  .looseObject({
    kind: z.literal('tasks'),
    createdAt: timeMs,
    nonce: bytesOf(16),
    /** The place of the first task in its batch: a batch too large for one block is written in several records. */
    first: count,
    specs: z.array(taskSpec).min(1).max(TASK_BATCH_MAX),
    /** [index in `specs`, how many tasks in a row have it] */
    items: z
      .array(z.tuple([count, z.int().min(1).max(TASK_BATCH_MAX)]))
      .min(1)
      .max(TASK_BATCH_MAX),
    /** [node, its epoch, how many tasks in a row it may claim first], from the first task on; what remains prefers nobody. */
    preferred: z
      .array(z.tuple([peerId, z.int().min(1), z.int().min(1).max(TASK_BATCH_MAX)]))
      .max(TASK_BATCH_MAX)
      .optional(),
  })
  .refine(({ items, specs }) => items.every(([spec]) => spec < specs.length), 'an item names a spec that is not there')
  .refine(({ first, items }) => items.reduce((sum, [, many]) => sum + many, first) <= TASK_BATCH_MAX, `more than ${TASK_BATCH_MAX} tasks`)
const cancelRecord = z.looseObject({ kind: z.literal('cancel'), task: taskId, reason: z.string().max(500).optional() })
const registerRecord = z.looseObject({ kind: z.literal('register'), task: taskId, value: registerValue })
/** A chosen value of a name's register; the highest version is the newest. */
const nameRecord = z.looseObject({
  kind: z.literal('name'),
  key: z.custom<NameKey>((value) => typeof value === 'string' && isNameKey(value), 'not a name'),
  value: registerValue,
})
/** One value that was chosen for each of these tasks. */
const registersRecord = z.looseObject({ kind: z.literal('registers'), tasks: runsUpTo(REGISTER_BATCH_MAX), value: registerValue })
/** A run in available mode, told by the node that runs it: when it starts, and again with its outcome. `term` is the node's life. */
const attemptRecord = z.looseObject({
  kind: z.literal('attempt'),
  task: taskId,
  epoch: z.int().min(1),
  attempt: z.int().min(1),
  startedAt: timeMs,
  term: z.custom<Term>((v) => typeof v === 'string' && v.length <= 64),
  outcome: outcome.optional(),
})
/** A majority of keepers has ended this term of this node: whatever it held may be taken. */
const termRecord = z.looseObject({
  kind: z.literal('term'),
  node: peerId,
  term,
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
  /** What its machine has; the disk is what was free at its start. */
  resources: z.looseObject({ cpus: z.number().min(0), memoryMb: count, diskMb: count, gpus: count }).optional(),
  /** Tools of builds that its machine has. */
  tools: toolVersions.optional(),
  version: z.string().max(64),
  ...versionFacts,
})

/** The tasks that ask for this pool wait while it is paused. */
export const poolRecord = z.looseObject({ kind: z.literal('pool'), pool: word, paused: z.boolean() })

export type TaskRecord = z.infer<typeof taskRecord>
export type PoolRecord = z.infer<typeof poolRecord>
export type NameRecord = z.infer<typeof nameRecord>
export type TasksRecord = z.infer<typeof tasksRecord>
export type AttemptRecord = z.infer<typeof attemptRecord>
export type ProfileRecord = z.infer<typeof profileRecord>

export const entry = z.discriminatedUnion('kind', [
  taskRecord,
  tasksRecord,
  cancelRecord,
  registerRecord,
  registersRecord,
  termRecord,
  groupRecord,
  attemptRecord,
  profileRecord,
  nameRecord,
  messageRecord,
  readRecord,
  scheduleRecord,
  pauseRecord,
  skipRecord,
  sealingKeyRecord,
  secretRecord,
  grantRecord,
  poolRecord,
  repoAuthRecord,
  serviceRecord,
  serviceStateRecord,
  heldRecord,
  sessionRecord,
  sessionOrder,
  ...moneyRecords,
  knowledgeRecord,
  tokenRecord,
  tokenRevocation,
])
export type Entry = z.infer<typeof entry>
/** An entry of a kind that this version does not know: kept and handed on, never folded. */
export type UnknownEntry = { kind: string }
export const KNOWN_KINDS: ReadonlySet<string> = new Set(entry.options.map((option) => option.shape.kind.value))
