// Secrets: set, list, grant, remove. No answer ever holds a value.
import * as z from 'zod'
import { grantRequest, secretRequest, secretView } from '../../../../protocols/http/secrets.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readBody } from '../../input.ts'
import type { NodePort } from '../../ports.ts'

const secretPage = z.object({ items: z.array(secretView) }).meta({ id: 'SecretPage' })

export function secretRoutes({ secrets }: Pick<NodePort, 'secrets'>): Api {
  const api = createRoutes()
  const one = { text: 'The secret, without its value', schema: secretView }
  api.get(
    '/api/secrets',
    describe({
      id: 'listSecrets',
      tag: 'secrets',
      summary: 'Names, versions and readers',
      answers: { 200: { text: 'All', schema: secretPage } },
    }),
    (c) => c.json({ items: secrets.list() }),
  )
  api.post(
    '/api/secrets',
    describe({
      id: 'setSecret',
      tag: 'secrets',
      summary: 'Set a secret, sealed to the workers that may open it',
      body: secretRequest,
      answers: { 201: one },
    }),
    async (c) => c.json(await secrets.set(await readBody(c, secretRequest)), 201),
  )
  api.post(
    '/api/secrets/:name/grant',
    describe({ id: 'grantSecret', tag: 'secrets', summary: 'Let further workers open it', body: grantRequest, answers: { 200: one } }),
    async (c) => c.json(await secrets.grant(c.req.param('name'), (await readBody(c, grantRequest)).workers)),
  )
  api.delete(
    '/api/secrets/:name',
    describe({ id: 'removeSecret', tag: 'secrets', summary: 'Remove a secret', answers: { 204: { text: 'Removed' } } }),
    async (c) => {
      await secrets.remove(c.req.param('name'))
      return c.body(null, 204)
    },
  )
  return api
}
