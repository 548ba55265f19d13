// Tokens for people and programs: list, make, revoke. Its text leaves this node once, in the answer that makes it.
import * as z from 'zod'
import { madeToken, revokedToken, tokenRequest, tokenView } from '../../../../protocols/access/token-views.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readBody } from '../../input.ts'
import type { NodePort } from '../../ports.ts'

const tokenPage = z.object({ items: z.array(tokenView) }).meta({ id: 'TokenPage' })

export function tokenRoutes({ tokens }: Pick<NodePort, 'tokens'>): Api {
  const api = createRoutes()
  api.get(
    '/api/tokens',
    describe({
      id: 'listTokens',
      tag: 'tokens',
      summary: 'Tokens, what they may and until when; never their text',
      answers: { 200: { text: 'Newest first', schema: tokenPage } },
    }),
    (c) => c.json({ items: tokens.list() }),
  )
  api.post(
    '/api/tokens',
    describe({
      id: 'createToken',
      tag: 'tokens',
      summary: "Make a token; needs the operator's own. Its text is in this answer and nowhere else",
      body: tokenRequest,
      answers: { 201: { text: 'The token', schema: madeToken } },
    }),
    async (c) => {
      const { actor, session } = c.var.caller
      // What ends soon may not make what lasts.
      if (actor.kind !== 'operator' || session !== undefined)
        throw new NimbusError('token-needed', "Tokens are made with the operator's own token alone.", {
          kind: 'refused',
          cure: 'Run `nimbus token create` on the machine of the node.',
        })
      return c.json(await tokens.create(await readBody(c, tokenRequest)), 201, { 'cache-control': 'no-store' })
    },
  )
  api.delete(
    '/api/tokens/:id',
    describe({
      id: 'revokeToken',
      tag: 'tokens',
      summary: 'Revoke a token, by ID or name: it is refused from now on, and what is open with it ends',
      answers: { 200: { text: 'The token as it is now', schema: revokedToken } },
    }),
    async (c) => c.json(await tokens.revoke(c.req.param('id'))),
  )
  return api
}
