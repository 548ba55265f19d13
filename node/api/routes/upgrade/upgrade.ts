// Upgrades: how far this worker and the mesh are, and the orders of the operator.
import { upgradeView, vouchRequest } from '../../../../protocols/http/upgrade.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readBody, readNoBody } from '../../input.ts'
import type { UpgradePort } from '../../ports.ts'

const ORDERS = {
  pause: 'Start no upgrade until it is resumed',
  resume: 'Follow the repository again',
  now: 'Look at the branch at once, and try its newest commit again where it failed before',
  rollback: 'Go back to the version before; the present commit is not tried again by itself',
} as const

export function upgradeRoutes(upgrade: UpgradePort): Api {
  const api = createRoutes()
  const answers = { 200: { text: 'How far it is', schema: upgradeView } }
  api.get(
    '/api/upgrade',
    describe({ id: 'getUpgrade', tag: 'upgrade', summary: 'What this worker follows, and what all run', answers }),
    (c) => c.json(upgrade.view()),
  )
  for (const [order, summary] of Object.entries(ORDERS) as [keyof typeof ORDERS, string][]) {
    api.post(`/api/upgrade/${order}`, describe({ id: `${order}Upgrade`, tag: 'upgrade', summary, answers }), async (c) => {
      await readNoBody(c)
      await upgrade.order(order)
      return c.json(upgrade.view())
    })
  }
  api.post(
    '/api/upgrade/vouch',
    describe({
      id: 'vouchUpgrade',
      tag: 'upgrade',
      summary: 'Vouch for a commit as an admin; without one for the newest of the branch',
      body: vouchRequest,
      answers,
    }),
    async (c) => {
      await upgrade.vouch((await readBody(c, vouchRequest)).commit)
      return c.json(upgrade.view())
    },
  )
  return api
}
