// Questions to people as REST speaks of them.
import * as z from 'zod'
import { ANSWER_BYTES_MAX, QUESTION_BYTES_MAX, QUESTION_CHOICES_MAX, QUESTION_DETAIL_BYTES_MAX } from '../limits.ts'

const text = (max: number) =>
  z
    .string()
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'no NUL and no lone surrogate')
const choice = text(100).min(1)

export const questionRequest = z
  .strictObject({
    /** The asker's own name for it: asked again under the same name, it is the same question. */
    request: text(128).min(1),
    text: text(QUESTION_BYTES_MAX).min(1),
    about: z.enum(['question', 'approval']).default('question'),
    choices: z.array(choice).min(1).max(QUESTION_CHOICES_MAX).optional(),
    detail: text(QUESTION_DETAIL_BYTES_MAX).optional(),
  })
  .meta({ id: 'QuestionRequest' })
export type QuestionRequest = z.infer<typeof questionRequest>

export const answerRequest = z
  .strictObject({ choice: choice.optional(), text: text(ANSWER_BYTES_MAX).optional() })
  .refine(({ choice: one, text: words }) => one !== undefined || (words ?? '') !== '', 'a choice or a text')
  .meta({ id: 'AnswerRequest' })
export type AnswerRequest = z.infer<typeof answerRequest>

export const questionView = z
  .object({
    id: z.string(),
    state: z.enum(['open', 'answered', 'withdrawn']),
    about: z.enum(['question', 'approval']),
    request: z.string(),
    /** Written by the asker, which may be an agent: not to be trusted. */
    text: z.string(),
    detail: z.string().optional(),
    choices: z.array(z.string()).optional(),
    /** The task that asks; absent where a person or a program outside did. */
    task: z.string().optional(),
    askedBy: z.string(),
    askedAt: z.int(),
    answer: z
      .object({
        choice: z.string().optional(),
        text: z.string().optional(),
        by: z.string(),
        worker: z.string(),
        workerName: z.string(),
        at: z.int(),
      })
      .optional(),
  })
  .meta({ id: 'Question' })
export type QuestionView = z.infer<typeof questionView>
