// Services: start or bring forward, list, look at, stop, start anew, go back, forget.
import * as z from 'zod'
import type { ServiceView } from '../../../../protocols/http/services.ts'
import { rollbackRequest, serviceRequest, serviceView } from '../../../../protocols/http/services.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { listQuery, readBody, readNoBody, readQuery } from '../../input.ts'
import type { ServicesPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

const servicePage = z.object({ items: z.array(serviceView), next: z.string().optional() }).meta({ id: 'ServicePage' })

const one = { 200: { text: 'The service', schema: serviceView } }

export function serviceRoutes(services: ServicesPort): Api {
  const api = createRoutes()
  const find = (name: string): ServiceView => {
    const service = services.find(name)
    if (service === undefined) throw notFound('service', name)
    return service
  }
  api.get(
    '/api/services',
    describe({
      id: 'listServices',
      tag: 'services',
      summary: 'Services, by name',
      query: listQuery,
      answers: { 200: { text: 'One page', schema: servicePage } },
    }),
    (c) => {
      const { cursor = '', q, limit } = readQuery(c, listQuery)
      const text = q?.toLowerCase()
      const found = services
        .list()
        .filter(
          (item) => item.name > cursor && (text === undefined || `${item.name} ${item.workerName ?? ''}`.toLowerCase().includes(text)),
        )
      const items = found.slice(0, limit)
      return c.json({ items, ...(found.length > limit ? { next: items.at(-1)?.name ?? '' } : {}) })
    },
  )
  api.post(
    '/api/services',
    describe({
      id: 'startService',
      tag: 'services',
      summary: 'Start a service, or bring a running one forward: the new revision takes over once it is healthy',
      body: serviceRequest,
      answers: { 201: { text: 'The service', schema: serviceView } },
    }),
    async (c) => c.json(await services.start(await readBody(c, serviceRequest)), 201),
  )
  api.get('/api/services/:name', describe({ id: 'getService', tag: 'services', summary: 'One service', answers: one }), (c) =>
    c.json(find(c.req.param('name'))),
  )
  addVerbs(api, services, (name) => find(name).name)
  return api
}

/** @param known the name, where there is such a service */
function addVerbs(api: Api, services: ServicesPort, known: (name: string) => string): void {
  for (const [verb, summary] of [
    ['stop', 'Stop it: it finishes what it answers'],
    ['restart', 'Start it anew as it is: the new process takes over once it is healthy'],
  ] as const) {
    api.post(`/api/services/:name/${verb}`, describe({ id: `${verb}Service`, tag: 'services', summary, answers: one }), async (c) => {
      await readNoBody(c)
      return c.json(await services[verb](known(c.req.param('name'))))
    })
  }
  api.post(
    '/api/services/:name/rollback',
    describe({
      id: 'rollbackService',
      tag: 'services',
      summary: 'Go back to an earlier revision, the one before where none is named',
      body: rollbackRequest,
      answers: one,
    }),
    async (c) => c.json(await services.rollback(known(c.req.param('name')), (await readBody(c, rollbackRequest)).revision)),
  )
  api.delete(
    '/api/services/:name',
    describe({
      id: 'removeService',
      tag: 'services',
      summary: 'Forget a stopped service; its folder stays on its worker',
      answers: { 204: { text: 'It is removed' } },
    }),
    async (c) => {
      await readNoBody(c)
      await services.remove(known(c.req.param('name')))
      return c.body(null, 204)
    },
  )
}
