// What was spent of a budget, looked up often and added up once: the ledger may be long.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Budget } from './budget-book.ts'
import type { Ledger } from './ledger.ts'
import { spendingOf } from './shares.ts'

/** By worker, billionths of a dollar. */
export type Spendings = (budget: Budget, period: string) => ReadonlyMap<PeerId, number>

export function createSpendings(
  ledger: Pick<Ledger, 'lines' | 'version'>,
  labelsOf: (worker: PeerId) => Readonly<Record<string, string>>,
): Spendings {
  /** One entry a budget. */
  const known = new Map<string, { of: string; spent: ReadonlyMap<PeerId, number> }>()
  return (budget, period) => {
    const of = JSON.stringify([budget, period, ledger.version()])
    const before = known.get(budget.name)
    if (before?.of === of) return before.spent
    const spent = spendingOf(budget, period, ledger.lines(), labelsOf)
    known.set(budget.name, { of, spent })
    return spent
  }
}
