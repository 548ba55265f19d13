// What people ask about money, at any node: what was spent, on what; budgets set, listed and removed.
import type { BudgetRequest, BudgetView, CostQuery, CostsView } from '../../../protocols/agents/cost-views.ts'
import type { BudgetRecord } from '../../../protocols/agents/cost-records.ts'
import { NANO } from '../../../protocols/agents/cost-records.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Names } from '../../tasks/names/names.ts'
import type { Budget, BudgetBook } from './budget-book.ts'
import { BUDGETS_MAX } from './budget-book.ts'
import { budgetReport, costReport, type ReportFacts } from './cost-report.ts'
import type { Ledger } from './ledger.ts'
import { keyOf } from './purse.ts'
import type { Spendings } from './spendings.ts'

export type BudgetDeskComponents = {
  book: BudgetBook
  ledger: Pick<Ledger, 'lines'>
  spendings: Spendings
  names: Pick<Names, 'newest'>
  clock: Pick<Clock, 'wallMs'>
  nameOf: ReportFacts['nameOf']
  labelsOf: ReportFacts['labelsOf']
  /** What a report says beside the sums; asked for with each. */
  talk(): Pick<ReportFacts, 'titleOf' | 'now'>
  findWorker(nameOrId: string): PeerId | undefined
  append(entry: BudgetRecord): number
  durable(seq: number, timeoutMs: number): Promise<unknown>
  assertMayWrite(deed: string): void
}
export type CostsDesk = {
  costs(query: Omit<CostQuery, 'format'>): CostsView
  /** By name. */
  budgets(): BudgetView[]
  budget(name: string): BudgetView | undefined
  /** In the place of one of that name. */
  setBudget(request: BudgetRequest): Promise<BudgetView>
  removeBudget(name: string): Promise<void>
}

const ACKNOWLEDGE_MS = 1_500

export function createBudgetDesk(components: BudgetDeskComponents): CostsDesk {
  const { clock, book, ledger, names, nameOf, labelsOf } = components
  const viewOf = (budget: Budget): BudgetView =>
    budgetReport(budget, names.newest(keyOf(budget)), components.spendings, { wallMs: clock.wallMs(), nameOf })
  const find = (name: string): BudgetView | undefined => {
    const budget = book.get(name)
    return budget === undefined ? undefined : viewOf(budget)
  }
  const unknown = (name: string): NimbusError =>
    new NimbusError('budget-unknown', `There is no budget ${name.slice(0, 64)}.`, { kind: 'missing', cure: 'nimbus budget ls lists them.' })
  return {
    costs: (query) => costReport(ledger.lines(), query, { wallMs: clock.wallMs(), nameOf, labelsOf, ...components.talk() }),
    budgets: () => book.all().map(viewOf),
    budget: find,
    async setBudget(request) {
      components.assertMayWrite('set budgets')
      const { name, usd, per, worker: named, repo, label } = request
      const worker = named === undefined ? undefined : components.findWorker(named)
      if (named !== undefined && worker === undefined)
        throw new NimbusError('worker-unknown', `There is no worker ${named}.`, { kind: 'missing', cure: 'nimbus worker ls lists them.' })
      if (book.get(name) === undefined && book.all().length >= BUDGETS_MAX)
        throw new NimbusError('too-many-budgets', `The mesh has ${BUDGETS_MAX} budgets, which is the limit.`, {
          kind: 'refused',
          cure: 'Remove one: nimbus budget rm NAME.',
        })
      const at = label?.indexOf('=') ?? -1
      const seq = components.append({
        kind: 'budget',
        name,
        budget: {
          nanoUsd: Math.round(usd * NANO),
          per,
          ...(worker === undefined ? {} : { worker }),
          ...(repo === undefined ? {} : { repo }),
          ...(label === undefined ? {} : { label: [label.slice(0, at), label.slice(at + 1)] }),
        },
      })
      await components.durable(seq, ACKNOWLEDGE_MS)
      const view = find(name)
      if (view === undefined) throw unknown(name) // somebody removed it in the same moment
      return view
    },
    async removeBudget(name) {
      components.assertMayWrite('remove budgets')
      if (book.get(name) === undefined) throw unknown(name)
      await components.durable(components.append({ kind: 'budget', name }), ACKNOWLEDGE_MS)
    },
  }
}
