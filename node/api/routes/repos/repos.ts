// The repositories that this worker keeps: added, fetched, pulled, with work trees; none goes with work that is nowhere else.
import * as z from 'zod'
import { pullRequest, pullView, repoRequest, repoView, treeRequest } from '../../../../protocols/http/repos.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readBody, readNoBody, readQuery } from '../../input.ts'
import type { ReposPort } from '../../repos-port.ts'

const page = z.object({ items: z.array(repoView) }).meta({ id: 'RepoPage' })
const one = { 200: { text: 'The repository', schema: repoView } }
/** Without it, work that is nowhere else stops the removal. */
const discardQuery = z.strictObject({ discard: z.enum(['true', 'false']).default('false') })

export function repoRoutes({ kept }: ReposPort): Api {
  const api = createRoutes()
  api.get(
    '/api/repos',
    describe({
      id: 'listRepos',
      tag: 'repos',
      summary: 'Repositories that this worker keeps',
      answers: { 200: { text: 'All', schema: page } },
    }),
    (c) => c.json({ items: kept.list() }),
  )
  api.post(
    '/api/repos',
    describe({
      id: 'addRepo',
      tag: 'repos',
      summary: 'Keep a repository: a mirror and a work tree of it. Progress is told by repo.updated',
      body: repoRequest,
      answers: { 202: { text: 'It is being fetched', schema: repoView } },
    }),
    async (c) => c.json(await kept.add(await readBody(c, repoRequest)), 202),
  )
  api.get(
    '/api/repos/:name',
    describe({ id: 'getRepo', tag: 'repos', summary: 'One, with what is in its work trees', answers: one }),
    async (c) => c.json(await kept.look(c.req.param('name'))),
  )
  api.post(
    '/api/repos/:name/fetch',
    describe({ id: 'fetchRepo', tag: 'repos', summary: 'Bring the mirror up to date', answers: one }),
    async (c) => {
      await readNoBody(c)
      return c.json(await kept.fetch(c.req.param('name')))
    },
  )
  addTreeRoutes(api, kept)
  api.delete(
    '/api/repos/:name',
    describe({
      id: 'removeRepo',
      tag: 'repos',
      summary: 'Remove it with its work trees',
      query: discardQuery,
      answers: { 204: { text: 'Removed' } },
    }),
    async (c) => {
      await kept.remove(c.req.param('name'), readQuery(c, discardQuery).discard === 'true')
      return c.body(null, 204)
    },
  )
  return api
}

/** Work trees: pulled, added, removed. */
function addTreeRoutes(api: Api, kept: ReposPort['kept']): void {
  api.post(
    '/api/repos/:name/pull',
    describe({
      id: 'pullRepo',
      tag: 'repos',
      summary: 'Bring a work tree up to date; where work is in the way, say what can be chosen',
      body: pullRequest,
      answers: { 200: { text: 'What was found, and what was done', schema: pullView } },
    }),
    async (c) => c.json(await kept.pull(c.req.param('name'), await readBody(c, pullRequest))),
  )
  api.post(
    '/api/repos/:name/trees',
    describe({
      id: 'addTree',
      tag: 'repos',
      summary: 'A further work tree',
      body: treeRequest,
      answers: { 201: { text: 'The repository', schema: repoView } },
    }),
    async (c) => c.json(await kept.addTree(c.req.param('name'), await readBody(c, treeRequest)), 201),
  )
  api.delete(
    '/api/repos/:name/trees/:tree',
    describe({ id: 'removeTree', tag: 'repos', summary: 'Remove a work tree', query: discardQuery, answers: one }),
    async (c) => c.json(await kept.removeTree(c.req.param('name'), c.req.param('tree'), readQuery(c, discardQuery).discard === 'true')),
  )
}
