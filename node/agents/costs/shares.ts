// How workers share a budget (decision 0029): a worker spends only what it has reserved, and all that is reserved is never more than
// the budget. Pure: the register of a budget and what the ledger knows in, the changed register out.
import type { BudgetShares, BudgetTerms } from '../../../protocols/agents/cost-records.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { Decide } from '../../tasks/claims/proposer.ts'
import { dayOf, type CostLine } from './ledger.ts'

/** Of the rest a worker reserves one part in so many a worker, and never less than this part of the whole: small steps cost a round each. */
const PARTS_A_WORKER = 2
const PART_MIN = 100

/** Periods of one kind grow as text. */
export function periodOf(per: BudgetTerms['per'], wallMs: number): string {
  if (per === 'total') return 'total'
  return per === 'day' ? `day ${dayOf(wallMs)}` : `month ${dayOf(wallMs).slice(0, 7)}`
}

/** Whether a day of UTC is part of a period. */
function isIn(period: string, day: string): boolean {
  const [kind = '', begin = ''] = period.split(' ')
  return kind === 'total' || day.startsWith(begin)
}

/** Whether a budget is for this: a line of the ledger, or a session about to begin a turn. */
export function isFor(
  { worker, repo, label }: BudgetTerms,
  one: { worker: PeerId; repo?: string | undefined },
  labelsOf: (worker: PeerId) => Readonly<Record<string, string>>,
): boolean {
  if (worker !== undefined && worker !== one.worker) return false
  if (repo !== undefined && repo !== one.repo) return false
  return label === undefined || labelsOf(one.worker)[label[0]] === label[1]
}

/** What each worker spent in a period of a budget, billionths of a dollar. */
export function spendingOf(
  terms: BudgetTerms,
  period: string,
  lines: Iterable<CostLine>,
  labelsOf: (worker: PeerId) => Readonly<Record<string, string>>,
): Map<PeerId, number> {
  const spent = new Map<PeerId, number>()
  for (const line of lines)
    if (isIn(period, line.day) && isFor(terms, line, labelsOf)) spent.set(line.worker, (spent.get(line.worker) ?? 0) + line.nanoUsd)
  return spent
}

export function reservedBy(value: RegisterValue | undefined, period: string): Map<PeerId, number> {
  const shares = value?.name?.budget
  return new Map(shares?.period === period ? shares.shares : [])
}

/** The period of the register where it is a later one of the same kind: this clock is behind. */
export function laterPeriod(value: RegisterValue | undefined, period: string): string {
  const known = value?.name?.budget?.period
  return known !== undefined && known.split(' ')[0] === period.split(' ')[0] && known > period ? known : period
}

export type ShareOrder = {
  self: PeerId
  period: string
  nanoUsd: number
  spent: ReadonlyMap<PeerId, number>
  /** Workers among whom the rest is shared. */
  workers: number
  /** Nothing more is wanted: what is reserved and not spent goes back. */
  giveBack?: boolean
}

/**
 * Reserves a part of the rest for `self`, or gives back. Whatever others reserved or are known to have spent, the larger of both, is
 * theirs. Refuses with `exhausted` where nothing is left, `past` where the register is in a later period, `same` where nothing changes.
 */
export function takeShare({ self, period, nanoUsd, spent, workers, giveBack }: ShareOrder): Decide {
  return (current) => {
    if (laterPeriod(current, period) !== period) return { refused: 'past' }
    const reserved = reservedBy(current, period)
    const own = spent.get(self) ?? 0
    const before = reserved.get(self) ?? 0
    const names = new Set([...reserved.keys(), ...spent.keys()])
    names.delete(self)
    const others = [...names].reduce((sum, name) => sum + Math.max(reserved.get(name) ?? 0, spent.get(name) ?? 0), 0)
    const rest = nanoUsd - others - Math.max(own, giveBack === true ? 0 : before)
    const part = Math.max(Math.ceil(nanoUsd / PART_MIN), Math.floor(rest / (PARTS_A_WORKER * Math.max(1, workers))))
    const next = giveBack === true ? own : Math.max(own, before) + Math.max(0, Math.min(rest, part))
    if (giveBack !== true && next <= own) return { refused: 'exhausted' }
    if (next === before) return { refused: 'same' }
    reserved.set(self, next)
    const shares = [...reserved].filter(([, nano]) => nano > 0).sort(([a], [b]) => (a < b ? -1 : 1))
    return withShares(current, { period, shares })
  }
}

function withShares(value: RegisterValue, budget: BudgetShares): RegisterValue {
  return { ...value, version: value.version + 1, name: { ...value.name, budget } }
}
