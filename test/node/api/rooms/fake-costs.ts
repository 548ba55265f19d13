// Costs and budgets in memory: the report of an empty ledger, and budgets that spend nothing.
import type { BudgetView } from '../../../../protocols/agents/cost-views.ts'
import type { CostsPort } from '../../../../node/api/ports.ts'
import { costReport } from '../../../../node/agents/costs/cost-report.ts'

export function createFakeCosts(): CostsPort {
  const budgets = new Map<string, BudgetView>()
  const facts = { wallMs: 0, nameOf: String, labelsOf: () => ({}), titleOf: () => undefined, now: { sessions: 0, costUsd: 0 } }
  return {
    costs: (query) => costReport([], query, facts),
    budgets: () => [...budgets.values()],
    budget: (name) => budgets.get(name),
    async setBudget({ name, usd, per }) {
      const view: BudgetView = { name, usd, per, period: '', spentUsd: 0, reservedUsd: 0, level: 'ok' }
      budgets.set(name, view)
      return view
    },
    async removeBudget(name) {
      budgets.delete(name)
    },
  }
}
