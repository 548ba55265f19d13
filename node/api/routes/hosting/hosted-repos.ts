// Repositories that the mesh hosts: list, begin or mirror, give up.
import * as z from 'zod'
import { hostedRepoView, hostRequest } from '../../../../protocols/http/hosted.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { flag, readBody, readQuery } from '../../input.ts'
import type { HostingPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

const repoPage = z.object({ items: z.array(hostedRepoView) }).meta({ id: 'HostedRepoPage' })
const removeQuery = z.strictObject({ last: flag })

export function hostedRepoRoutes(hosting: HostingPort): Api {
  const api = createRoutes()
  const one = { text: 'The repository', schema: hostedRepoView }
  api.get(
    '/api/hosted-repos',
    describe({
      id: 'listHostedRepos',
      tag: 'repos',
      summary: 'Repositories that the mesh hosts, with their heads and who keeps them',
      answers: { 200: { text: 'All of them', schema: repoPage } },
    }),
    (c) => c.json({ items: hosting.list() }),
  )
  api.get(
    '/api/hosted-repos/:name',
    describe({ id: 'getHostedRepo', tag: 'repos', summary: 'One of them', answers: { 200: one } }),
    (c) => {
      const found = hosting.find(c.req.param('name'))
      if (found === undefined) throw notFound('hosted repository', c.req.param('name'))
      return c.json(found)
    },
  )
  const summary = 'Host a repository on this worker: a new one, or a mirror of what other workers keep'
  api.post('/api/hosted-repos', describe({ id: 'hostRepo', tag: 'repos', summary, body: hostRequest, answers: { 201: one } }), async (c) =>
    c.json(await hosting.host(await readBody(c, hostRequest)), 201),
  )
  api.delete(
    '/api/hosted-repos/:name',
    describe({
      id: 'unhostRepo',
      tag: 'repos',
      summary: 'Keep it on this worker no more; refused where nobody else has all of it, unless `last` says so',
      query: removeQuery,
      answers: { 204: { text: 'It is gone from here' } },
    }),
    async (c) => {
      await hosting.unhost(c.req.param('name'), readQuery(c, removeQuery).last)
      return c.body(null, 204)
    },
  )
  return api
}
