// Tasks: publish, list, look at, cancel, run again.
import type { Context } from 'hono'
import * as z from 'zod'
import type { TaskView } from '../../../protocols/http/views.ts'
import { taskState, taskView } from '../../../protocols/http/views.ts'
import { publishMany, taskRequest } from '../../../protocols/http/task-request.ts'
import { limitTasks } from '../access/limited-tasks.ts'
import { FILTER_CHARS_MAX } from '../../../protocols/filters/filter.ts'
import { TASK_KEYS } from '../../../protocols/filters/task-filter.ts'
import { describe } from '../describe.ts'
import type { Api, ApiEnv } from '../env.ts'
import { createRoutes } from '../env.ts'
import { given, listQuery, readQuery } from '../input.ts'
import type { NodePort } from '../ports.ts'
import { notFound } from '../problems.ts'
import { readTasks } from './tasks/task-batch.ts'
import { taskEndRoutes } from './tasks/task-ends.ts'

const taskQuery = listQuery.extend({
  q: z
    .string()
    .max(FILTER_CHARS_MAX)
    .optional()
    .meta({ description: `words that all must hold: text, key:value, key:a,b, -key:value; keys are ${Object.keys(TASK_KEYS).join(', ')}` }),
  state: taskState.optional(),
  worker: z.string().min(1).max(128).optional(),
})
const taskPage = z.object({ items: z.array(taskView), next: z.string().optional() }).meta({ id: 'TaskPage' })
const published = z
  .union([
    z.object({ id: z.string(), durability: z.enum(['majority', 'local']), duplicate: z.boolean().optional() }),
    z.object({ ids: z.array(z.string()), durability: z.enum(['majority', 'local']), duplicates: z.array(z.string()).optional() }),
  ])
  .meta({ id: 'Published' })
const publishBody = z.union([taskRequest, publishMany]).meta({ id: 'Publish' })

type TaskNode = Pick<NodePort, 'tasks' | 'task' | 'publish' | 'cancel' | 'retry' | 'retryMany'>

export function taskRoutes(node: TaskNode): Api {
  const api = createRoutes()
  const one = { 200: { text: 'The task', schema: taskView } }

  api.get(
    '/api/tasks',
    describe({
      id: 'listTasks',
      tag: 'tasks',
      summary: 'Tasks, newest first',
      query: taskQuery,
      answers: { 200: { text: 'One page', schema: taskPage } },
    }),
    (c) => {
      const { cursor, q, state, worker, limit } = readQuery(c, taskQuery)
      return c.json(node.tasks({ limit, ...given({ cursor, q, state, worker }) }))
    },
  )

  const published200 = { text: 'It existed already under its `dedupe` key: nothing was published', schema: published }
  const published201 = { text: 'A majority of the keepers has it', schema: published }
  const published202 = { text: 'Kept by this node; a majority of the keepers cannot be reached now', schema: published }
  api.post(
    '/api/tasks',
    describe({
      id: 'publishTasks',
      tag: 'tasks',
      summary: 'Publish one task, or many as {"tasks":[…]}',
      body: publishBody,
      answers: { 200: published200, 201: published201, 202: published202 },
    }),
    (c) => publish(c, node),
  )

  api.get('/api/tasks/:id', describe({ id: 'getTask', tag: 'tasks', summary: 'One task', answers: one }), (c) =>
    c.json(find(node, c.req.param('id'))),
  )

  api.route('/', taskEndRoutes(node))
  return api
}

async function publish(c: Context<ApiEnv>, node: TaskNode): Promise<Response> {
  const { many, requests } = await readTasks(c)
  const { ids, durability, duplicates } = await node.publish(limitTasks(c.var.caller.actor, requests), ...parentOf(c))
  const status = ids.every((id) => duplicates.has(id)) ? 200 : durability === 'majority' ? 201 : 202
  if (many) return c.json({ ids, durability, ...(duplicates.size > 0 ? { duplicates: [...duplicates] } : {}) }, status)
  return c.json({ id: ids[0], durability, ...(duplicates.size > 0 ? { duplicate: true } : {}) }, status)
}

function find(node: TaskNode, id: string): TaskView {
  const task = node.task(id)
  if (task === undefined) throw notFound('task', id)
  return task
}

/** A task that publishes is the parent of what it publishes. */
function parentOf(c: Context<ApiEnv>): [string] | [] {
  const { actor } = c.var.caller
  return actor.kind === 'task' ? [actor.task] : []
}
