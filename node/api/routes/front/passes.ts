// Passes for a page: asked of other nodes beforehand, since the node that serves it cannot ask once it is gone.
import { passesView } from '../../../../protocols/web/passes.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readNoBody } from '../../input.ts'
import type { PassesPort } from '../../ports.ts'

export function passRoutes(passes: PassesPort): Api {
  const api = createRoutes()
  api.post(
    '/api/session/passes',
    describe({
      id: 'createPagePasses',
      tag: 'session',
      summary: 'One-time links to nodes where this page can go on when this node is gone; none where no other node gives one',
      answers: { 201: { text: 'The passes', schema: passesView } },
    }),
    async (c) => {
      await readNoBody(c)
      return c.json({ items: await passes.ask() }, 201, { 'cache-control': 'no-store' })
    },
  )
  return api
}
