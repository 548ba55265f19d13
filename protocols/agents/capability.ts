// What a token lets its holder do, as verbs (decision 0027). The token of a task has no more verbs than its spec names, and never
// more than the task that published it.
import * as z from 'zod'

/** In this order, from looking to acting. */
export const VERBS = [
  'mesh.read',
  'task.read',
  'task.publish',
  'repo.read',
  'message.read',
  'message.send',
  'knowledge.read',
  'knowledge.add',
  'question.ask',
  'progress.report',
  'lock.hold',
] as const
export const verb = z.enum(VERBS)
export type Verb = z.infer<typeof verb>

/** What the token of a task may do where its spec says nothing: what a command needs to speak of itself and of its own work. An agent's may do all. */
export const TASK_VERBS: readonly Verb[] = [
  'task.read',
  'task.publish',
  'repo.read',
  'message.read',
  'message.send',
  'question.ask',
  'progress.report',
]

/** Who asks with a token, and what it may. */
export const callerView = z
  .object({ kind: z.enum(['operator', 'task', 'user']), name: z.string().optional(), task: z.string().optional(), verbs: z.array(verb) })
  .meta({ id: 'Caller' })
export type CallerView = z.infer<typeof callerView>
