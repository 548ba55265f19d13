// Tools for messages: send one, read those that came.
import * as z from 'zod'
import type { MessageView } from '../../../../protocols/http/messages.ts'
import type { MeshTool } from '../tool.ts'
import { meshTool } from '../tool.ts'
import { UNTRUSTED } from './untrusted.ts'

const topic = z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,99}$/i, 'letters, digits, . _ / -')

export const MESSAGE_TOOLS: readonly MeshTool[] = [
  meshTool({
    name: 'send_message',
    title: 'Send a message',
    description: 'To a worker by name, to a task by ID (or `parent`), or to all who read a topic. It is kept until it is read.',
    verb: 'message.send',
    input: z.strictObject({
      to: z.strictObject({
        worker: z.string().min(1).max(128).optional(),
        task: z.string().min(1).max(128).optional(),
        topic: topic.optional(),
      }),
      text: z.string().min(1).max(16_384),
    }),
    readOnly: false,
    async run({ to, text }, { call, signal }) {
      const { id, durability } = (await call('POST', '/api/messages', { body: { to, body: text }, signal })) as Record<string, unknown>
      return { message: id, safe: durability === 'majority' }
    },
  }),
  meshTool({
    name: 'read_messages',
    title: 'Read messages',
    description: 'Unread messages to you, or those of a topic, oldest first. With mark_read they do not come again.',
    verb: 'message.read',
    input: z.strictObject({ topic: topic.optional(), limit: z.int().min(1).max(50).default(20), mark_read: z.boolean().default(false) }),
    readOnly: false,
    idempotent: true,
    async run({ topic: of, limit, mark_read }, { call, signal }) {
      const query = new URLSearchParams({ limit: String(limit), unread: 'true', ...(of === undefined ? {} : { topic: of }) })
      const { items, next } = (await call('GET', `/api/messages?${query.toString()}`, { signal })) as {
        items: MessageView[]
        next?: string
      }
      const messages = items.map(({ id, from, createdAt, body }) => ({
        id,
        from: from.task ?? from.workerName,
        at: new Date(createdAt).toISOString(),
        body,
      }))
      if (mark_read && items.length > 0) await call('POST', '/api/messages/read', { body: { ids: items.map(({ id }) => id) }, signal })
      return { ...UNTRUSTED, messages, more: next !== undefined }
    },
  }),
]
