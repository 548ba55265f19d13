// Workers: list, look at, command over the mesh, remove from it.
import * as z from 'zod'
import type { WorkerView } from '../../../protocols/http/views.ts'
import { workerView } from '../../../protocols/http/views.ts'
import { describe } from '../describe.ts'
import type { Api } from '../env.ts'
import { createRoutes } from '../env.ts'
import { listQuery, readNoBody, readQuery } from '../input.ts'
import type { NodePort, WorkerVerb } from '../ports.ts'
import { notFound } from '../problems.ts'

const workerPage = z.object({ items: z.array(workerView), next: z.string().optional() }).meta({ id: 'WorkerPage' })
const VERBS: Record<WorkerVerb, string> = {
  drain: 'Finish what runs, take nothing new',
  resume: 'Take work again',
  restart: 'Drain, then start anew',
  stop: 'Drain, then stop',
}

type WorkerNode = Pick<NodePort, 'workers' | 'findWorker' | 'command' | 'removeWorker'>

export function workerRoutes(node: WorkerNode): Api {
  const api = createRoutes()
  const one = { 200: { text: 'The worker', schema: workerView } }

  api.get(
    '/api/workers',
    describe({
      id: 'listWorkers',
      tag: 'workers',
      summary: 'Members of the mesh, by peer ID',
      query: listQuery,
      answers: { 200: { text: 'One page', schema: workerPage } },
    }),
    (c) => {
      const { limit, cursor, q } = readQuery(c, listQuery)
      const all = node.workers().toSorted((a, b) => (a.peerId < b.peerId ? -1 : 1))
      const rest = all.filter((worker) => (cursor === undefined || worker.peerId > cursor) && (q === undefined || mentions(worker, q)))
      const items = rest.slice(0, limit)
      const last = items.at(-1)
      return c.json({ items, ...(rest.length > limit && last !== undefined ? { next: last.peerId } : {}) })
    },
  )

  api.get('/api/workers/:id', describe({ id: 'getWorker', tag: 'workers', summary: 'One worker, by name or peer ID', answers: one }), (c) =>
    c.json(find(node, c.req.param('id'))),
  )

  for (const [verb, summary] of Object.entries(VERBS) as [WorkerVerb, string][]) {
    api.post(`/api/workers/:id/${verb}`, describe({ id: `${verb}Worker`, tag: 'workers', summary, answers: one }), async (c) => {
      await readNoBody(c)
      return c.json(await node.command(find(node, c.req.param('id')).peerId, verb))
    })
  }

  api.delete(
    '/api/workers/:id',
    describe({
      id: 'removeWorker',
      tag: 'workers',
      summary: 'Remove a member from the mesh for good',
      answers: { 204: { text: 'Removed' } },
    }),
    async (c) => {
      await readNoBody(c)
      await node.removeWorker(find(node, c.req.param('id')).peerId)
      return c.body(null, 204)
    },
  )
  return api
}

function find(node: WorkerNode, nameOrId: string): WorkerView {
  const worker = node.findWorker(nameOrId)
  if (worker === undefined) throw notFound('worker', nameOrId)
  return worker
}

function mentions(worker: WorkerView, q: string): boolean {
  const wanted = q.toLowerCase()
  return [worker.name, worker.peerId, worker.pool ?? '', ...worker.roles, ...worker.skills].some((text) =>
    text.toLowerCase().includes(wanted),
  )
}
