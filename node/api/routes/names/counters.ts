// Counters: look at them, add to them exactly once a call.
import * as z from 'zod'
import { counterAdd, counterView, nameText } from '../../../../protocols/http/names.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { check, readBody } from '../../input.ts'
import type { NamesPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

const counterPage = z.object({ items: z.array(counterView) }).meta({ id: 'CounterPage' })

export function counterRoutes(names: NamesPort): Api {
  const api = createRoutes()
  const one = { 200: { text: 'The counter', schema: counterView } }
  api.get(
    '/api/counters',
    describe({ id: 'listCounters', tag: 'names', summary: 'Counters', answers: { 200: { text: 'All of them', schema: counterPage } } }),
    (c) => c.json({ items: names.counters() }),
  )
  api.get('/api/counters/:name', describe({ id: 'getCounter', tag: 'names', summary: 'One counter', answers: one }), (c) => {
    const counter = names.counter(c.req.param('name'))
    if (counter === undefined) throw notFound('counter', c.req.param('name'))
    return c.json(counter)
  })
  const summary = 'Add to a counter, which begins at 0; the answer has its value just after'
  api.post(
    '/api/counters/:name/add',
    describe({ id: 'addToCounter', tag: 'names', summary, body: counterAdd, answers: one }),
    async (c) => {
      const { by } = await readBody(c, counterAdd)
      return c.json(await names.add(check(nameText, c.req.param('name')), by))
    },
  )
  return api
}
