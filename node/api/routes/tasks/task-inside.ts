// What work asks of the node that runs it, with the token of its task: it says how far it is, and waits for the tasks that it
// published. While it waits, its slot is free for them.
import { taskView } from '../../../../protocols/http/views.ts'
import { progressReport } from '../../../../protocols/http/task-request.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readBody } from '../../input.ts'
import type { NodePort } from '../../ports.ts'
import { notFound } from '../../problems.ts'
import type { StreamGate } from '../../streams.ts'

export function taskInsideRoutes(node: Pick<NodePort, 'task' | 'reportProgress' | 'waitFor'>, gate: StreamGate): Api {
  const api = createRoutes()
  api.post(
    '/api/tasks/:id/progress',
    describe({
      id: 'reportProgress',
      tag: 'tasks',
      summary: 'From inside a task: how far it is and what it cost so far; over its budget it is ended',
      body: progressReport,
      answers: { 204: { text: 'Noted' } },
    }),
    async (c) => {
      const report = await readBody(c, progressReport)
      const id = c.req.param('id')
      if (node.task(id) === undefined) throw notFound('task', id)
      node.reportProgress(id, report)
      return c.body(null, 204)
    },
  )
  api.get(
    '/api/tasks/:id/wait',
    describe({
      id: 'waitForTask',
      tag: 'tasks',
      summary: 'Answers when the task has ended; a task that waits with its own token frees its slot meanwhile',
      answers: { 200: { text: 'The task, ended', schema: taskView } },
    }),
    async (c) => {
      const id = c.req.param('id')
      if (node.task(id) === undefined) throw notFound('task', id)
      const { actor } = c.var.caller
      const leave = gate.enter()
      try {
        return c.json(await node.waitFor(id, { signal: c.req.raw.signal, ...(actor.kind === 'task' ? { by: actor.task } : {}) }))
      } finally {
        leave()
      }
    },
  )
  return api
}
