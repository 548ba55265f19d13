// Pools: look at them, pause them, let them go on.
import * as z from 'zod'
import type { PoolView } from '../../../../protocols/http/views.ts'
import { poolView } from '../../../../protocols/http/views.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readNoBody } from '../../input.ts'
import type { NodePort } from '../../ports.ts'

const pools = z.object({ items: z.array(poolView) }).meta({ id: 'Pools' })
const POOL_CHARACTERS_MAX = 128

export function poolRoutes(node: Pick<NodePort, 'pools' | 'setPool'>): Api {
  const api = createRoutes()
  api.get(
    '/api/pools',
    describe({ id: 'listPools', tag: 'tasks', summary: 'Pools of workers', answers: { 200: { text: 'All of them', schema: pools } } }),
    (c) => c.json({ items: node.pools() }),
  )
  for (const [verb, paused, summary] of [
    ['pause', true, 'Its tasks wait; what runs goes on'],
    ['resume', false, 'Its tasks run again'],
  ] as const) {
    api.post(
      `/api/pools/:name/${verb}`,
      describe({ id: `${verb}Pool`, tag: 'tasks', summary, answers: { 200: { text: 'The pool', schema: poolView } } }),
      async (c) => {
        await readNoBody(c)
        const name = c.req.param('name')
        if (name.length > POOL_CHARACTERS_MAX)
          throw new NimbusError('invalid-input', `The name of a pool has at most ${POOL_CHARACTERS_MAX} characters.`, {
            kind: 'usage',
            cure: 'nimbus pool ls lists the pools.',
          })
        const view: PoolView = await node.setPool(name, paused)
        return c.json(view)
      },
    )
  }
  return api
}
