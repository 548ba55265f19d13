// The budgets of the mesh, as a part of the fold: of each name the newest terms.
import type { Block } from '../../../protocols/blocks.ts'
import type { BudgetRecord, BudgetTerms } from '../../../protocols/agents/cost-records.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'

/** Budgets that may be set at a node; a record beyond it still counts: members do not write such. */
export const BUDGETS_MAX = 100

export type Budget = BudgetTerms & { name: string }

export type BudgetBook = {
  part: FoldPart
  get(name: string): Budget | undefined
  /** By name. */
  all(): readonly Budget[]
}

type Page = { hlc: number; author: PeerId; place: readonly [epoch: number, seq: number, index: number]; terms: BudgetTerms | undefined }

/** @param onChange hears of each name whose terms changed */
export function createBudgetBook(onChange: (name: string) => void): BudgetBook {
  const pages = new Map<string, Page>()
  let sorted: Budget[] | undefined
  return {
    part: {
      kinds: ['budget'],
      apply(raw, block: Block) {
        const { name, budget } = raw as BudgetRecord
        const place = [block.epoch, block.seq, block.entries.indexOf(raw)] as const
        const page: Page = { hlc: block.hlc, author: block.author, place, terms: budget }
        const before = pages.get(name)
        if (before !== undefined && !isNewer(page, before)) return
        pages.set(name, page)
        sorted = undefined
        onChange(name)
      },
      state: () =>
        [...pages].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, { hlc, author, terms }]) => [name, hlc, author, terms ?? null]),
    },
    get(name) {
      const terms = pages.get(name)?.terms
      return terms === undefined ? undefined : { ...terms, name }
    },
    all: () =>
      (sorted ??= [...pages]
        .flatMap(([name, { terms }]) => (terms === undefined ? [] : [{ ...terms, name }]))
        .sort((a, b) => (a.name < b.name ? -1 : 1))),
  }
}

function isNewer(one: Page, other: Page): boolean {
  if (one.hlc !== other.hlc) return one.hlc > other.hlc
  if (one.author !== other.author) return one.author > other.author
  const at = one.place.findIndex((part, index) => part !== other.place[index])
  return at >= 0 && (one.place[at] ?? 0) > (other.place[at] ?? 0)
}
