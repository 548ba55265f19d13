// Messages as REST speaks of them.
import * as z from 'zod'
import { READ_MAX } from '../limits.ts'
import { topicName } from '../plan/names.ts'

const word = z.string().min(1).max(128)

export const messageView = z
  .object({
    id: z.string(),
    from: z.object({ worker: z.string(), workerName: z.string(), task: z.string().optional() }),
    to: z.object({
      worker: z.string().optional(),
      workerName: z.string().optional(),
      task: z.string().optional(),
      topic: z.string().optional(),
    }),
    createdAt: z.int(),
    /** By whoever asks. A direct message that was read is gone. */
    read: z.boolean(),
    /** Text, or the JSON that was sent. Events leave it out. */
    body: z.unknown(),
  })
  .meta({ id: 'Message' })
export type MessageView = z.infer<typeof messageView>

/** A worker by name or peer ID; a task by its ID; a task may also write `parent` for its parent. */
export const messageRequest = z
  .strictObject({
    to: z
      .strictObject({ worker: word.optional(), task: word.optional(), topic: topicName.optional() })
      .refine((to) => Object.keys(to).length === 1, 'exactly one of worker, task, topic'),
    /** A string is text; anything else is JSON. */
    body: z.json(),
  })
  .meta({ id: 'MessageRequest' })
export type MessageRequest = z.infer<typeof messageRequest>

export const readRequest = z.strictObject({ ids: z.array(z.string().max(64)).min(1).max(READ_MAX) }).meta({ id: 'ReadRequest' })

export const sentMessage = z.object({ id: z.string(), durability: z.enum(['majority', 'local']) }).meta({ id: 'SentMessage' })
export type SentMessage = z.infer<typeof sentMessage>
export const readAnswer = z.object({ read: z.int(), durability: z.enum(['majority', 'local']) }).meta({ id: 'ReadAnswer' })
export type ReadAnswer = z.infer<typeof readAnswer>
