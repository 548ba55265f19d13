// Messages: send, list, read, mark as read. A task with its own token meets its own inbox here, the operator that of this worker.
import type { Context } from 'hono'
import * as z from 'zod'
import { messageRequest, messageView, readAnswer, readRequest, sentMessage } from '../../../../protocols/http/messages.ts'
import { topicName } from '../../../../protocols/plan/names.ts'
import { describe } from '../../describe.ts'
import type { Api, ApiEnv } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { flag, given, listQuery, readBody, readQuery } from '../../input.ts'
import type { MessagesPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

const messageQuery = listQuery.extend({ topic: topicName.optional(), unread: flag })
const messagePage = z.object({ items: z.array(messageView), next: z.string().optional() }).meta({ id: 'MessagePage' })

export function messageRoutes(messages: MessagesPort): Api {
  const api = createRoutes()
  api.get(
    '/api/messages',
    describe({
      id: 'listMessages',
      tag: 'messages',
      summary: 'Unread messages to the asker, or those of a topic; oldest first',
      query: messageQuery,
      answers: { 200: { text: 'One page', schema: messagePage } },
    }),
    (c) => {
      const { cursor, q, topic, unread, limit } = readQuery(c, messageQuery)
      return c.json(messages.list(askerOf(c), { limit, unread, ...given({ cursor, q, topic }) }))
    },
  )
  api.post(
    '/api/messages',
    describe({
      id: 'sendMessage',
      tag: 'messages',
      summary: 'Send a message to a worker, a task or a topic',
      body: messageRequest,
      answers: {
        201: { text: 'A majority of the keepers has it', schema: sentMessage },
        202: { text: 'Kept by this node; it is delivered once others can be reached', schema: sentMessage },
      },
    }),
    async (c) => {
      const sent = await messages.send(askerOf(c), await readBody(c, messageRequest))
      return c.json(sent, sent.durability === 'majority' ? 201 : 202)
    },
  )
  api.post(
    '/api/messages/read',
    describe({
      id: 'readMessages',
      tag: 'messages',
      summary: 'Mark messages as read; direct ones are dropped then',
      body: readRequest,
      answers: { 200: { text: 'How many were unread', schema: readAnswer } },
    }),
    async (c) => c.json(await messages.markRead(askerOf(c), (await readBody(c, readRequest)).ids)),
  )
  api.get(
    '/api/messages/:id',
    describe({
      id: 'getMessage',
      tag: 'messages',
      summary: 'One message, as long as it is kept',
      answers: { 200: { text: 'The message', schema: messageView } },
    }),
    (c) => {
      const message = messages.find(askerOf(c), c.req.param('id'))
      if (message === undefined) throw notFound('message', c.req.param('id'))
      return c.json(message)
    },
  )
  return api
}

function askerOf(c: Context<ApiEnv>): string | undefined {
  const { actor } = c.var.caller
  return actor.kind === 'task' ? actor.task : undefined
}
