// A mesh of purses without processes: one register of each budget that only a majority changes, a ledger a worker, and links that a test
// cuts. What the tests of budgets share.
import { blockOf } from '../../messages/post-office.ts'
import { createBookkeeper, type Book } from '../../../../node/agents/costs/bookkeeper.ts'
import { createBudgetBook, type BudgetBook } from '../../../../node/agents/costs/budget-book.ts'
import { createLedger, type Ledger } from '../../../../node/agents/costs/ledger.ts'
import { createPurse, type Purse } from '../../../../node/agents/costs/purse.ts'
import { createSpendings } from '../../../../node/agents/costs/spendings.ts'
import { INITIAL_VALUE } from '../../../../node/tasks/fold/task-state.ts'
import type { Names } from '../../../../node/tasks/names/names.ts'
import type { BudgetTerms, CostRecord } from '../../../../protocols/agents/cost-records.ts'
import type { Block } from '../../../../protocols/blocks.ts'
import type { NameKey, PeerId } from '../../../../protocols/ids.ts'
import type { Entry, RegisterValue } from '../../../../protocols/records.ts'
import { createVirtualClock, type VirtualClock } from '../../../support/virtual-clock.ts'

export const START_MS = Date.UTC(2030, 0, 30, 12)

export type MoneyWorker = { peer: PeerId; ledger: Ledger; budgets: BudgetBook; purse: Purse; book: Book }
export type MoneyMesh = {
  clock: VirtualClock
  workers: MoneyWorker[]
  registers: Map<NameKey, RegisterValue>
  /** Workers of this set are on the side of the majority; the two sides hear nothing of each other. */
  majority: Set<PeerId>
  setBudget(name: string, terms: BudgetTerms): void
  /** Everybody hears what was written on the other side. */
  heal(): void
}

export function createMoneyMesh(count: number, labels: Record<string, Record<string, string>> = {}): MoneyMesh {
  const clock = createVirtualClock(START_MS)
  const registers = new Map<NameKey, RegisterValue>()
  const majority = new Set<PeerId>()
  const blocks: Block[] = []
  const peers = Array.from({ length: count }, (_, at) => `worker-${at}` as PeerId)
  for (const peer of peers) majority.add(peer)
  const labelsOf = (peer: PeerId): Record<string, string> => labels[peer] ?? {}
  const isReached = (one: PeerId, other: PeerId): boolean => majority.has(one) === majority.has(other)
  const take = (worker: MoneyWorker, block: Block): void => {
    for (const entry of block.entries as Entry[])
      for (const { part } of [worker.ledger, worker.budgets]) if (part.kinds.includes(entry.kind)) part.apply(entry, block)
  }
  const write = (author: PeerId, entry: Entry): void => {
    const block = blockOf(author, blocks.length + 1, clock.wallMs() * 1024 + blocks.length, [entry])
    blocks.push(block)
    for (const worker of workers) if (isReached(author, worker.peer)) take(worker, block)
  }
  const workers = peers.map((peer): MoneyWorker => {
    const ledger = createLedger(() => {})
    const budgets = createBudgetBook(() => {})
    const names: Pick<Names, 'newest' | 'operate'> = {
      newest: (key) => registers.get(key),
      async operate(key, decide) {
        if (!majority.has(peer)) return { unreachable: 'no majority' }
        const current = registers.get(key) ?? INITIAL_VALUE
        const next = decide([peer, 1, 1])(current)
        if ('refused' in next) return { refused: String(next.refused), current }
        registers.set(key, next)
        return { changed: next }
      },
    }
    const spendings = createSpendings(ledger, labelsOf)
    const purse = createPurse({ self: peer, clock, book: budgets, spendings, names, labelsOf, workers: () => count })
    const book = createBookkeeper({ self: peer, clock, ledger, append: (entry: CostRecord) => write(peer, entry) })
    return { peer, ledger, budgets, purse, book }
  })
  return {
    clock,
    workers,
    registers,
    majority,
    setBudget: (name, budget) => write(peers[0] as PeerId, { kind: 'budget', name, budget }),
    heal() {
      for (const peer of peers) majority.add(peer)
      for (const block of blocks) for (const worker of workers) take(worker, block)
    },
  }
}
