// Builds: the list, one with its report, and what stands behind a file that one left.
import * as z from 'zod'
import { buildDetail, buildView, provenanceView } from '../../../../protocols/builds/build-views.ts'
import { taskState } from '../../../../protocols/http/views.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { given, listQuery, readQuery } from '../../input.ts'
import type { BuildsPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

const buildQuery = listQuery.extend({ state: taskState.optional(), worker: z.string().min(1).max(128).optional() })
const buildPage = z.object({ items: z.array(buildView), next: z.string().optional() }).meta({ id: 'BuildPage' })

export function buildRoutes(builds: BuildsPort): Api {
  const api = createRoutes()
  api.get(
    '/api/builds',
    describe({
      id: 'listBuilds',
      tag: 'builds',
      summary: 'Builds, newest first',
      query: buildQuery,
      answers: { 200: { text: 'One page', schema: buildPage } },
    }),
    (c) => {
      const { cursor, q, state, worker, limit } = readQuery(c, buildQuery)
      return c.json(builds.list({ limit, ...given({ cursor, q, state, worker }) }))
    },
  )
  api.get(
    '/api/builds/:id',
    describe({
      id: 'getBuild',
      tag: 'builds',
      summary: 'One build, with the commands that it ran, what failed and what was done about it',
      answers: { 200: { text: 'The build', schema: buildDetail } },
    }),
    async (c) => {
      const id = c.req.param('id')
      const build = await builds.find(id, c.req.raw.signal)
      if (build === undefined) throw notFound('build', id)
      return c.json(build)
    },
  )
  api.get(
    '/api/artifacts/:hash/provenance',
    describe({
      id: 'verifyArtifact',
      tag: 'builds',
      summary: 'What stands behind a file: answered only where signature, signer and content are right',
      answers: { 200: { text: 'Verified', schema: provenanceView } },
    }),
    async (c) => c.json(await builds.provenance(c.req.param('hash'), c.req.raw.signal)),
  )
  return api
}
