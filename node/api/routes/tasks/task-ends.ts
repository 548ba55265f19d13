// Ends of tasks: cancel one, run again what has ended.
import * as z from 'zod'
import { retriedView, retryAll, retryNamed, retryRequest, taskView } from '../../../../protocols/http/views.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { check, readBody, readNoBody } from '../../input.ts'
import type { NodePort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

export function taskEndRoutes(node: Pick<NodePort, 'task' | 'cancel' | 'retry' | 'retryMany'>): Api {
  const api = createRoutes()
  const idOf = (id: string): string => {
    const task = node.task(id)
    if (task === undefined) throw notFound('task', id)
    return task.id
  }
  api.post(
    '/api/tasks/:id/cancel',
    describe({
      id: 'cancelTask',
      tag: 'tasks',
      summary: 'Cancel a task, running or not',
      answers: { 200: { text: 'The task', schema: taskView } },
    }),
    async (c) => {
      await readNoBody(c)
      return c.json(await node.cancel(idOf(c.req.param('id'))))
    },
  )
  api.post(
    '/api/tasks/:id/retry',
    describe({
      id: 'retryTask',
      tag: 'tasks',
      summary: 'Publish the same work again as a new task',
      answers: { 201: { text: 'The new task', schema: taskView } },
    }),
    async (c) => {
      await readNoBody(c)
      return c.json(await node.retry(idOf(c.req.param('id'))), 201)
    },
  )
  api.post(
    '/api/tasks/retry',
    describe({
      id: 'retryTasks',
      tag: 'tasks',
      summary: 'Publish several tasks again: {"ids":[…]}, or all that are {"state":"dead"} or failed',
      body: retryRequest,
      answers: { 201: { text: 'The new tasks', schema: retriedView } },
    }),
    async (c) => {
      const body = await readBody(c, z.looseObject({}))
      const which = Object.hasOwn(body, 'ids') ? check(retryNamed, body) : check(retryAll, body)
      return c.json(await node.retryMany(which), 201)
    },
  )
  return api
}
