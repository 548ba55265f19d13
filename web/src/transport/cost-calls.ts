// What the dashboard asks of a node about money.
import type { BudgetView, CostGroup, CostsView } from '../../../protocols/agents/cost-views.ts'

/** What is needed of the REST client. */
type Rest = { get<Answer>(path: string): Promise<Answer> }

export type CostCalls = {
  costs(by: CostGroup): Promise<CostsView>
  budgets(): Promise<readonly BudgetView[]>
}

export function createCostCalls(rest: Rest): CostCalls {
  return {
    costs: (by) => rest.get<CostsView>(`/api/costs?by=${by}`),
    budgets: async () => (await rest.get<{ items: BudgetView[] }>('/api/budgets')).items,
  }
}

/** Where a browser downloads them. */
export function costsAddress(by: CostGroup, format: 'csv' | 'json'): string {
  return `/api/costs?by=${by}&format=${format}`
}
