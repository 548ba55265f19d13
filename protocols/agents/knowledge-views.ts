// Knowledge as REST speaks of it.
import * as z from 'zod'
import { KNOWLEDGE_BYTES_MAX } from '../limits.ts'

const words = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'no NUL and no lone surrogate')
const tag = z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,63}$/, 'a tag: small letters, digits, . _ / -')

export const knowledgeRequest = z
  .strictObject({ title: words(200), text: words(KNOWLEDGE_BYTES_MAX), tags: z.array(tag).max(16).default([]) })
  .meta({ id: 'KnowledgeRequest' })
export type KnowledgeRequest = z.infer<typeof knowledgeRequest>

export const knowledgeView = z
  .object({
    id: z.string(),
    title: z.string(),
    /** Written by whoever stands in `by`, checked by nobody. Lists leave it out. */
    text: z.string().optional(),
    /** Of a search: where it was found. */
    excerpt: z.string().optional(),
    tags: z.array(z.string()),
    by: z.object({ worker: z.string(), workerName: z.string(), task: z.string().optional() }),
    createdAt: z.int(),
  })
  .meta({ id: 'Knowledge' })
export type KnowledgeView = z.infer<typeof knowledgeView>

export const addedKnowledge = z.object({ id: z.string(), durability: z.enum(['majority', 'local']) }).meta({ id: 'AddedKnowledge' })
export type AddedKnowledge = z.infer<typeof addedKnowledge>
