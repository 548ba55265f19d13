// Messages between workers and tasks, as their senders sign them, and the marks of those who have read them.
import { encode } from '@ipld/dag-cbor'
import * as z from 'zod'
import { bytesOf } from '../bytes.ts'
import type { MessageId, PeerId, TaskId } from '../ids.ts'
import { isMessageId, isPeerId, isTaskId, messageId } from '../ids.ts'
import { MESSAGE_BYTES_MAX, READ_MAX } from '../limits.ts'
import { topicName } from './names.ts'

const id = z.custom<MessageId>((value) => typeof value === 'string' && isMessageId(value), 'not a message ID')
const task = z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value), 'not a task ID')
const worker = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')
const body = z.string().refine((text) => Buffer.byteLength(text) <= MESSAGE_BYTES_MAX, `more than ${MESSAGE_BYTES_MAX} bytes`)

export const messageRecord = z.looseObject({
  kind: z.literal('message'),
  id,
  createdAt: z.int().min(0),
  nonce: bytesOf(16),
  /** Exactly one of them. */
  to: z
    .looseObject({ worker: worker.optional(), task: task.optional(), topic: topicName.optional() })
    .refine((to) => [to.worker, to.task, to.topic].filter((one) => one !== undefined).length === 1, 'exactly one of worker, task, topic'),
  /** The task that sent it; its worker, the author, vouches for that. */
  task: task.optional(),
  /** What it says, and whether that is JSON. */
  body,
  json: z.boolean().optional(),
})
export type MessageRecord = z.infer<typeof messageRecord>

/** The author has read these; with `task` that task, which runs there, has; with `topic` they are of that topic. */
export const readRecord = z.looseObject({
  kind: z.literal('read'),
  ids: z.array(id).min(1).max(READ_MAX),
  task: task.optional(),
  topic: topicName.optional(),
})

/** All that an ID of a message binds beside its author. */
export type MessageContent = Pick<MessageRecord, 'createdAt' | 'nonce' | 'to' | 'task' | 'body' | 'json'>

export function idOfMessage(author: PeerId, record: MessageContent): MessageId {
  const { to, task: sender, body: text, json } = record
  return messageId(author, record.createdAt, record.nonce, encode([to, sender ?? null, text, json ?? false]))
}
