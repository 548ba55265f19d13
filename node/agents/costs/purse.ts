// The hard stop: whether a session of this worker may begin a turn now, by every budget that is for it. A turn that runs may finish;
// the next one begins only with a share in hand, which a majority of the keepers gave (shares.ts).
import type { NameKey, PeerId } from '../../../protocols/ids.ts'
import { NANO } from '../../../protocols/agents/cost-records.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Names } from '../../tasks/names/names.ts'
import type { AgentReason } from '../../../protocols/agents/agent-events.ts'
import type { Budget, BudgetBook } from './budget-book.ts'
import { isFor, laterPeriod, periodOf, reservedBy, takeShare } from './shares.ts'
import type { Spendings } from './spendings.ts'

export type PurseComponents = {
  self: PeerId
  clock: Pick<Clock, 'wallMs'>
  book: Pick<BudgetBook, 'all'>
  spendings: Spendings
  names: Pick<Names, 'newest' | 'operate'>
  labelsOf(worker: PeerId): Readonly<Record<string, string>>
  /** Workers that may run sessions now. */
  workers(): number
}
export type Purse = {
  /** A reason to wait, or undefined: it may begin a turn. */
  ask(session: { repo: string | undefined }): Promise<AgentReason | undefined>
  /** The same without asking anybody, for a worker that may be another one: is it plain that it would have to wait? */
  look(session: { repo: string | undefined; worker: PeerId }): AgentReason | undefined
  /** No session runs here: what was reserved and not spent goes back. */
  giveBack(): Promise<void>
}

const TAKE_MS = 3_000

export function createPurse({ self, clock, book, spendings, names, labelsOf, workers }: PurseComponents): Purse {
  const standing = (budget: Budget) => {
    const value = names.newest(keyOf(budget))
    const period = laterPeriod(value, periodOf(budget.per, clock.wallMs()))
    const spent = spendings(budget, period)
    const total = [...spent.values()].reduce((sum, nano) => sum + nano, 0)
    return { period, spent, total, reserved: reservedBy(value, period) }
  }
  const askOne = async (budget: Budget): Promise<AgentReason | undefined> => {
    const { period, spent, total, reserved } = standing(budget)
    if (total >= budget.nanoUsd) return exhausted(budget, period, total)
    if ((reserved.get(self) ?? 0) > (spent.get(self) ?? 0)) return undefined
    const order = { self, period, nanoUsd: budget.nanoUsd, spent, workers: workers() }
    const change = await names.operate(keyOf(budget), () => takeShare(order), TAKE_MS)
    if ('unreachable' in change) return unreachable(budget)
    if ('refused' in change && change.refused === 'exhausted') return taken(budget, period, total)
    if ('refused' in change && change.refused === 'past') return askOne(budget)
    if ('refused' in change && change.refused !== 'same') return unreachable(budget)
    return undefined
  }
  const own = (repo: string | undefined, worker: PeerId): Budget[] =>
    book.all().filter((budget) => isFor(budget, { worker, repo }, labelsOf))
  return {
    async ask({ repo }) {
      for (const budget of own(repo, self)) {
        const reason = await askOne(budget)
        if (reason !== undefined) return reason
      }
      return undefined
    },
    look({ repo, worker }) {
      for (const budget of own(repo, worker)) {
        const { period, total } = standing(budget)
        if (total >= budget.nanoUsd) return exhausted(budget, period, total)
      }
      return undefined
    },
    async giveBack() {
      for (const budget of book.all()) {
        const { period, spent, reserved } = standing(budget)
        if ((reserved.get(self) ?? 0) <= (spent.get(self) ?? 0)) continue
        const order = { self, period, nanoUsd: budget.nanoUsd, spent, workers: workers(), giveBack: true }
        await names.operate(keyOf(budget), () => takeShare(order), TAKE_MS)
      }
    },
  }
}

export function keyOf({ name }: Pick<Budget, 'name'>): NameKey {
  return `@budget/${name}` as NameKey
}

function usdText(nano: number): string {
  const usd = nano / NANO
  return usd.toFixed(usd !== 0 && usd < 0.1 ? 4 : 2)
}

function exhausted(budget: Budget, period: string, total: number): AgentReason {
  return {
    code: 'budget-exhausted',
    message: `Budget ${budget.name} is spent: ${usdText(total)} of ${usdText(budget.nanoUsd)} USD (${period}).`,
    cure: cureOf(budget),
  }
}

function taken(budget: Budget, period: string, total: number): AgentReason {
  return {
    code: 'budget-reserved',
    message: `What is left of budget ${budget.name} is reserved by other workers: ${usdText(total)} of ${usdText(budget.nanoUsd)} USD are spent (${period}).`,
    cure: cureOf(budget),
  }
}

function unreachable(budget: Budget): AgentReason {
  return {
    code: 'budget-unreachable',
    message: `This worker has spent its share of budget ${budget.name}, and no majority of the keepers can be reached to reserve more.`,
    cure: 'Bring the other keepers back: it goes on by itself then.',
  }
}

function cureOf({ name, per }: Budget): string {
  const wait = per === 'total' ? '' : ` It goes on by itself when the next ${per} begins (UTC).`
  return `nimbus budget set ${name} --usd N raises it.${wait}`
}
