// Knowledge: add, list, search, look at one. What stands there was written by tasks and people, and checked by nobody.
import * as z from 'zod'
import { addedKnowledge, knowledgeRequest, knowledgeView } from '../../../../protocols/agents/knowledge-views.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { given, listQuery, readBody, readQuery } from '../../input.ts'
import type { NodePort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

const knowledgeQuery = listQuery.extend({ tag: z.string().max(64).optional() })
const knowledgePage = z.object({ items: z.array(knowledgeView), next: z.string().optional() }).meta({ id: 'KnowledgePage' })

export function knowledgeRoutes({ knowledge }: Pick<NodePort, 'knowledge'>): Api {
  const api = createRoutes()
  api.get(
    '/api/knowledge',
    describe({
      id: 'listKnowledge',
      tag: 'knowledge',
      summary: 'Knowledge, newest first; with q those that hold all its words, the best first, with an excerpt',
      query: knowledgeQuery,
      answers: { 200: { text: 'One page', schema: knowledgePage } },
    }),
    async (c) => {
      const { cursor, q, tag, limit } = readQuery(c, knowledgeQuery)
      return c.json(await knowledge.list({ limit, ...given({ cursor, q, tag }) }))
    },
  )
  api.post(
    '/api/knowledge',
    describe({
      id: 'addKnowledge',
      tag: 'knowledge',
      summary: 'Keep a text in the mesh',
      body: knowledgeRequest,
      answers: {
        201: { text: 'A majority of the keepers has it', schema: addedKnowledge },
        202: { text: 'Kept by this node; it spreads once others can be reached', schema: addedKnowledge },
      },
    }),
    async (c) => {
      const { actor } = c.var.caller
      const added = await knowledge.add(actor.kind === 'task' ? actor.task : undefined, await readBody(c, knowledgeRequest))
      return c.json(added, added.durability === 'majority' ? 201 : 202)
    },
  )
  api.get(
    '/api/knowledge/:id',
    describe({
      id: 'getKnowledge',
      tag: 'knowledge',
      summary: 'One entry, whole',
      answers: { 200: { text: 'The entry', schema: knowledgeView } },
    }),
    (c) => {
      const found = knowledge.find(c.req.param('id'))
      if (found === undefined) throw notFound('knowledge', c.req.param('id'))
      return c.json(found)
    },
  )
  return api
}
