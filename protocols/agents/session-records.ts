// Sessions in the logs: what the worker that runs one says of it, and orders that anybody gives to it.
import * as z from 'zod'
import {
  AGENT_TEXT_MAX,
  SESSION_ASKS_MAX,
  SESSION_COPIES_MAX,
  SESSION_FILES_MAX,
  SESSION_READERS_MAX,
  SESSION_TAKEN_MAX,
} from '../limits.ts'
import type { BlobHash, PeerId, TaskId } from '../ids.ts'
import { isPeerId, isTaskId } from '../ids.ts'
import { sealedKey } from '../tasks/secret-records.ts'
import { tokenCounts } from './agent-events.ts'
import { SESSION_STATES } from './session-states.ts'

const count = z.int().min(0)
const timeMs = z.int().min(0)
const id = z.string().min(1).max(200)
const task = z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value), 'not a task ID')

const peer = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')
/** All that another worker needs to go on (decision 0028): one encrypted blob, and its key sealed by the author of the record to each that may. */
const save = z.looseObject({
  hash: z.custom<BlobHash>((value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value), 'not a hash'),
  size: count,
  at: timeMs,
  /** The last call of a tool that was finished when it was made. */
  after: z.string().max(200).optional(),
  sealed: z.array(sealedKey).max(SESSION_READERS_MAX),
  /** Members that said that they have the blob. */
  kept: z.array(peer).max(SESSION_COPIES_MAX),
})
export type SessionSave = z.infer<typeof save>

const ask = z.looseObject({ request: id, tool: z.string().max(200), input: z.string().max(4_096), askedAt: timeMs, reminders: count })
const decision = z.looseObject({
  request: id,
  allow: z.boolean(),
  by: z.string().max(200),
  at: timeMs,
  order: id.optional(),
  note: z.string().max(2_000).optional(),
})

/**
 * What the worker that holds `task` under `epoch` knows of the session. The highest (run, task, epoch, rev) of that worker counts; the words
 * of anybody else count for nothing.
 */
export const sessionRecord = z.looseObject({
  kind: z.literal('session'),
  session: task,
  task,
  /** How many tasks of the session came before this one. */
  run: count,
  epoch: z.int().min(1),
  rev: count,
  at: timeMs,
  state: z.enum(SESSION_STATES),
  reason: z.looseObject({ code: z.string().max(64), message: z.string().max(2_000), cure: z.string().max(500).optional() }).optional(),
  agentSession: id.optional(),
  model: z.string().max(200).optional(),
  version: z.string().max(100).optional(),
  branch: z.string().max(200).optional(),
  base: z.string().max(64).optional(),
  commit: z.string().max(64).optional(),
  turns: count,
  tokens: tokenCounts,
  costUsd: z.number().min(0),
  files: z.array(z.string().max(1_024)).max(SESSION_FILES_MAX),
  asks: z.array(ask).max(SESSION_ASKS_MAX),
  decided: z.array(decision).max(SESSION_ASKS_MAX),
  /** Orders that are done, newest last. */
  taken: z.array(id).max(SESSION_TAKEN_MAX),
  /** The end of what it said last. */
  said: z.string().max(AGENT_TEXT_MAX).optional(),
  /** Which account it uses, as a fingerprint that only tells equal from different, and until when that account may not go on. */
  account: z.string().max(64).optional(),
  limitedUntil: timeMs.optional(),
  refused: z.array(z.string().max(300)).max(SESSION_ASKS_MAX).optional(),
  save: save.optional(),
})
export type SessionRecord = z.infer<typeof sessionRecord>

/** Somebody wants something of a session. Its worker does each order once, in the order of their IDs. */
export const sessionOrder = z.looseObject({
  kind: z.literal('session-order'),
  id: task,
  session: task,
  createdAt: timeMs,
  op: z.enum(['send', 'interrupt', 'answer', 'stop', 'move']),
  /** Of `move`: the worker that goes on. */
  to: peer.optional(),
  /** Of `move`: in the middle of a call too. */
  now: z.boolean().optional(),
  /** Of `send`: the prompt. Of `answer`: what the agent is told. */
  text: z.string().max(AGENT_TEXT_MAX).optional(),
  request: id.optional(),
  allow: z.boolean().optional(),
  by: z.string().max(200),
})
export type SessionOrder = z.infer<typeof sessionOrder>
