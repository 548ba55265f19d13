// What somebody in the mesh found worth keeping, as it is signed. It is never changed; what is newer stands beside it.
import { encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { bytesOf } from '../bytes.ts'
import type { KnowledgeId, PeerId, TaskId } from '../ids.ts'
import { base32, isKnowledgeId, isTaskId, timeText } from '../ids.ts'
import { KNOWLEDGE_BYTES_MAX } from '../limits.ts'

const knowledgeTag = z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,63}$/, 'a tag: small letters, digits, . _ / -')

export const knowledgeRecord = z.looseObject({
  kind: z.literal('knowledge'),
  id: z.custom<KnowledgeId>((value) => typeof value === 'string' && isKnowledgeId(value), 'not an ID of knowledge'),
  createdAt: z.int().min(0),
  nonce: bytesOf(16),
  title: z.string().min(1).max(200),
  text: z.string().refine((text) => Buffer.byteLength(text) <= KNOWLEDGE_BYTES_MAX, `more than ${KNOWLEDGE_BYTES_MAX} bytes`),
  tags: z.array(knowledgeTag).max(16),
  /** The task that wrote it; its worker, the author, vouches for that. */
  task: z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value), 'not a task ID').optional(),
})
export type KnowledgeRecord = z.infer<typeof knowledgeRecord>

/** All that an ID of knowledge binds beside its author. */
export type KnowledgeContent = Pick<KnowledgeRecord, 'createdAt' | 'nonce' | 'title' | 'text' | 'tags' | 'task'>

/** So that one ID never stands for two texts. */
export function idOfKnowledge(author: PeerId, record: KnowledgeContent): KnowledgeId {
  const { createdAt, nonce, title, text, tags, task } = record
  const hash = createHash('sha256').update(`nimbus/knowledge/v1\0${author}\0${createdAt}\0`).update(nonce)
  hash.update(encode([title, text, tags, task ?? null]))
  return (timeText(createdAt) + base32(hash.digest().subarray(0, 10))) as KnowledgeId
}
