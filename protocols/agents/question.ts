// A question to people, as it stands in the signed spec of its task (decision 0027), and its answer, as it stands in the task's
// register. Nothing here does I/O.
import * as z from 'zod'
import { ANSWER_BYTES_MAX, QUESTION_BYTES_MAX, QUESTION_CHOICES_MAX, QUESTION_DETAIL_BYTES_MAX } from '../limits.ts'

const upTo = (bytes: number) => z.string().refine((text) => Buffer.byteLength(text) <= bytes, `more than ${bytes} bytes`)

export const questionSpec = z.looseObject({
  /** What the asker calls it: the same name of the same asker is the same question. */
  request: z.string().min(1).max(128),
  text: upTo(QUESTION_BYTES_MAX),
  /** An approval is a question whose answer lets something happen. */
  about: z.enum(['question', 'approval']),
  /** One of them is the answer; without them it is free text. */
  choices: z.array(z.string().min(1).max(100)).max(QUESTION_CHOICES_MAX).optional(),
  /** What a person needs to see before the answer; text or JSON. Shown, never run. */
  detail: upTo(QUESTION_DETAIL_BYTES_MAX).optional(),
})
export type QuestionSpec = z.infer<typeof questionSpec>

/** `by` is who answered at the node `node`; `operator`, or the name of a user's token. */
export const answerValue = z.looseObject({
  choice: z.string().max(100).optional(),
  text: upTo(ANSWER_BYTES_MAX).optional(),
  node: z.string().max(64),
  by: z.string().max(64),
})
export type AnswerValue = z.infer<typeof answerValue>
