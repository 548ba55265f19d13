// Repositories: which secret opens those of which place.
import * as z from 'zod'
import { repoAuthRequest, repoAuthView } from '../../../../protocols/http/repos.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readBody, readQuery } from '../../input.ts'
import type { ReposPort } from '../../repos-port.ts'

const authPage = z.object({ items: z.array(repoAuthView) }).meta({ id: 'RepoAuthPage' })
const placeQuery = z.strictObject({ place: z.string().max(512) })

export function repoAuthRoutes({ auth }: ReposPort): Api {
  const api = createRoutes()
  api.get(
    '/api/repos/auth',
    describe({
      id: 'listRepoAuth',
      tag: 'repos',
      summary: 'Which secret opens the repositories of which place',
      answers: { 200: { text: 'By place', schema: authPage } },
    }),
    (c) => c.json({ items: auth.list() }),
  )
  api.post(
    '/api/repos/auth',
    describe({
      id: 'setRepoAuth',
      tag: 'repos',
      summary: 'Name the secret of a place; the longest place that fits an address counts',
      body: repoAuthRequest,
      answers: { 201: { text: 'What is set', schema: repoAuthView } },
    }),
    async (c) => c.json(await auth.set(await readBody(c, repoAuthRequest)), 201),
  )
  api.delete(
    '/api/repos/auth',
    describe({
      id: 'removeRepoAuth',
      tag: 'repos',
      summary: 'Take the entry of a place away; the secret itself stays',
      query: placeQuery,
      answers: { 204: { text: 'Removed' } },
    }),
    async (c) => {
      await auth.remove(readQuery(c, placeQuery).place)
      return c.body(null, 204)
    },
  )
  return api
}
