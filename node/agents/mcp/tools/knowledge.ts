// Tools for what the mesh knows: search it, read an entry, add one.
import * as z from 'zod'
import type { KnowledgeView } from '../../../../protocols/agents/knowledge-views.ts'
import type { MeshTool } from '../tool.ts'
import { meshTool } from '../tool.ts'
import { UNTRUSTED } from './untrusted.ts'

const tag = z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,63}$/, 'small letters, digits, . _ / -')

export const KNOWLEDGE_TOOLS: readonly MeshTool[] = [
  meshTool({
    name: 'search_knowledge',
    title: 'Search knowledge',
    description:
      'Finds what agents and people of the mesh wrote down: entries that hold all the words, the best first, with an excerpt. With id the whole of one entry.',
    verb: 'knowledge.read',
    input: z.strictObject({
      query: z.string().min(1).max(200).optional(),
      id: z.string().max(64).optional().describe('an entry of an earlier search, to read it whole'),
      tag: tag.optional(),
      limit: z.int().min(1).max(20).default(10),
    }),
    readOnly: true,
    async run({ query, id, tag: of, limit }, { call, signal }) {
      if (id !== undefined)
        return {
          ...UNTRUSTED,
          entries: [shown((await call('GET', `/api/knowledge/${encodeURIComponent(id)}`, { signal })) as KnowledgeView)],
        }
      const words = new URLSearchParams({
        limit: String(limit),
        ...(query === undefined ? {} : { q: query }),
        ...(of === undefined ? {} : { tag: of }),
      })
      const { items } = (await call('GET', `/api/knowledge?${words.toString()}`, { signal })) as { items: KnowledgeView[] }
      return { ...UNTRUSTED, entries: items.map(shown) }
    },
  }),
  meshTool({
    name: 'add_knowledge',
    title: 'Add knowledge',
    description:
      'Keeps a text for everybody in the mesh, for good: something that others will need, in a few clear sentences. Never put secrets into it.',
    verb: 'knowledge.add',
    input: z.strictObject({
      title: z.string().min(1).max(200),
      text: z.string().min(1).max(16_384),
      tags: z.array(tag).max(16).default([]),
    }),
    readOnly: false,
    async run(entry, { call, signal }) {
      const { id, durability } = (await call('POST', '/api/knowledge', { body: entry, signal })) as Record<string, unknown>
      return { id, safe: durability === 'majority' }
    },
  }),
]

function shown({ id, title, text, excerpt, tags, by, createdAt }: KnowledgeView): object {
  return {
    id,
    title,
    tags,
    by: by.task ?? by.workerName,
    at: new Date(createdAt).toISOString(),
    ...(text === undefined ? { excerpt } : { text }),
  }
}
