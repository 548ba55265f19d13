// Keeper groups: look at them, and let one go on whose majority is lost for good.
import * as z from 'zod'
import type { GroupView } from '../../../protocols/http/groups.ts'
import { groupView, recoverRequest } from '../../../protocols/http/groups.ts'
import { describe } from '../describe.ts'
import type { Api } from '../env.ts'
import { createRoutes } from '../env.ts'
import { readBody } from '../input.ts'
import type { GroupsPort } from '../ports.ts'
import { notFound } from '../problems.ts'

const groupPage = z.object({ items: z.array(groupView) }).meta({ id: 'GroupPage' })

export function groupRoutes(groups: GroupsPort): Api {
  const api = createRoutes()
  const one = { 200: { text: 'The group', schema: groupView } }
  const known = (name: string): GroupView => {
    const found = groups.find(name)
    if (found === undefined) throw notFound('group', name)
    return found
  }
  api.get(
    '/api/groups',
    describe({ id: 'listGroups', tag: 'groups', summary: 'Keeper groups', answers: { 200: { text: 'All of them', schema: groupPage } } }),
    (c) => c.json({ items: groups.list() }),
  )
  api.get('/api/groups/:name', describe({ id: 'getGroup', tag: 'groups', summary: 'One keeper group', answers: one }), (c) =>
    c.json(known(c.req.param('name'))),
  )
  const summary = 'Go on without a majority that is lost for good; what only the lost keepers knew may be forgotten'
  api.post(
    '/api/groups/:name/recover',
    describe({ id: 'recoverGroup', tag: 'groups', summary, body: recoverRequest, answers: one }),
    async (c) => {
      const { name } = known(c.req.param('name'))
      return c.json(await groups.recover(name, await readBody(c, recoverRequest)))
    },
  )
  return api
}
