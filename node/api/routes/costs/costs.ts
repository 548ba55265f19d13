// What sessions cost, and budgets. Any node answers for the whole mesh, from the records of all workers.
import * as z from 'zod'
import { budgetRequest, budgetView, costQuery, costsView } from '../../../../protocols/agents/cost-views.ts'
import { csvOf } from '../../../agents/costs/cost-report.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { readBody, readNoBody, readQuery } from '../../input.ts'
import type { CostsPort } from '../../ports.ts'
import { notFound } from '../../problems.ts'

const tag = 'costs'
const budgetPage = z.object({ items: z.array(budgetView) }).meta({ id: 'BudgetPage' })

export function costRoutes(costs: CostsPort): Api {
  const api = createRoutes()
  addBudgets(api, costs)
  api.get(
    '/api/costs',
    describe({
      id: 'getCosts',
      tag,
      summary: 'What sessions cost, by day, month, session, task, worker, repository, model or label; format=csv for a spreadsheet',
      query: costQuery,
      answers: { 200: { text: 'Lines, and sums of the mesh', schema: costsView, also: 'text/csv' } },
    }),
    (c) => {
      const { format, ...query } = readQuery(c, costQuery)
      const view = costs.costs(query)
      if (format === 'json') return c.json(view)
      const headers = {
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': `attachment; filename="costs-by-${query.by}.csv"`,
      }
      return c.body(csvOf(view), 200, headers)
    },
  )
  return api
}

function addBudgets(api: Api, costs: CostsPort): void {
  const one = { 200: { text: 'The budget', schema: budgetView } }
  api.get(
    '/api/budgets',
    describe({ id: 'listBudgets', tag, summary: 'Budgets, by name', answers: { 200: { text: 'All of them', schema: budgetPage } } }),
    (c) => c.json({ items: costs.budgets() }),
  )
  api.post(
    '/api/budgets',
    describe({
      id: 'setBudget',
      tag,
      summary: 'Set a budget, in the place of one of that name; sessions begin no turn beyond it',
      body: budgetRequest,
      answers: one,
    }),
    async (c) => c.json(await costs.setBudget(await readBody(c, budgetRequest))),
  )
  api.get('/api/budgets/:name', describe({ id: 'getBudget', tag, summary: 'One budget', answers: one }), (c) => {
    const budget = costs.budget(c.req.param('name'))
    if (budget === undefined) throw notFound('budget', c.req.param('name'))
    return c.json(budget)
  })
  api.delete(
    '/api/budgets/:name',
    describe({ id: 'removeBudget', tag, summary: 'Remove a budget', answers: { 204: { text: 'It is removed' } } }),
    async (c) => {
      await readNoBody(c)
      await costs.removeBudget(c.req.param('name'))
      return c.body(null, 204)
    },
  )
}
