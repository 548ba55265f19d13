// What the ledger says, put together for people: by day, session, task, worker, repository, model or label; and how a budget stands. Pure.
import type { TokenCounts } from '../../../protocols/agents/agent-events.ts'
import { NANO } from '../../../protocols/agents/cost-records.ts'
import type { BudgetView, CostGroup, CostLine as CostLineView, CostQuery, CostsView } from '../../../protocols/agents/cost-views.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import { addTokens, NO_TOKENS } from '../driver.ts'
import type { Budget } from './budget-book.ts'
import type { CostLine } from './ledger.ts'
import { dayOf } from './ledger.ts'
import { laterPeriod, periodOf, reservedBy } from './shares.ts'
import type { Spendings } from './spendings.ts'

const DAY_MS = 86_400_000
const FORECAST_DAYS = 7
/** Of what a budget has. */
const WARNING = 0.8

export type ReportFacts = {
  wallMs: number
  nameOf(worker: PeerId): string
  labelsOf(worker: PeerId): Readonly<Record<string, string>>
  /** What people call a session or a task, where it has a name. */
  titleOf(id: string): string | undefined
  now: CostsView['now']
}

type Sum = { tokens: TokenCounts; nano: number }

export function costReport(lines: Iterable<CostLine>, query: Omit<CostQuery, 'format'>, facts: ReportFacts): CostsView {
  const sums = new Map<string, Sum>()
  const total: Sum = { tokens: NO_TOKENS, nano: 0 }
  const byDay = new Map<string, number>()
  for (const line of lines) {
    byDay.set(line.day, (byDay.get(line.day) ?? 0) + line.nanoUsd)
    if (!isAsked(line, query, facts)) continue
    add(total, line)
    for (const key of keysOf(line, query.by, facts)) {
      const sum = sums.get(key) ?? { tokens: NO_TOKENS, nano: 0 }
      add(sum, line)
      sums.set(key, sum)
    }
  }
  const items = [...sums].map(([key, sum]): CostLineView => {
    const name = nameFor(key, query.by, facts)
    return { key, ...(name === undefined ? {} : { name }), tokens: sum.tokens, costUsd: sum.nano / NANO }
  })
  const isTime = query.by === 'day' || query.by === 'month'
  items.sort((a, b) => (isTime ? (a.key < b.key ? 1 : -1) : b.costUsd - a.costUsd || (a.key < b.key ? -1 : 1)))
  return {
    by: query.by,
    items,
    total: { tokens: total.tokens, costUsd: total.nano / NANO },
    ...timesOf(byDay, facts.wallMs),
    now: facts.now,
  }
}

function timesOf(byDay: ReadonlyMap<string, number>, wallMs: number): Pick<CostsView, 'today' | 'month' | 'forecast'> {
  const today = dayOf(wallMs)
  const month = [...byDay].reduce((sum, [day, nano]) => (day.slice(0, 7) === today.slice(0, 7) ? sum + nano : sum), 0)
  // Whole days before today; a mesh that is younger than that has spent on fewer.
  const before = Array.from({ length: FORECAST_DAYS }, (_, at) => dayOf(wallMs - (at + 1) * DAY_MS))
  const first = [...byDay.keys()].reduce((one, other) => (one < other ? one : other), today)
  const counted = before.filter((day) => day >= first)
  const spent = counted.reduce((sum, day) => sum + (byDay.get(day) ?? 0), 0)
  const [year = 0, monthNumber = 1] = today.split('-').map(Number)
  const last = new Date(Date.UTC(year, monthNumber, 0)).getUTCDate()
  const daysLeft = last - Number(today.slice(8))
  const own = byDay.get(today) ?? 0
  const daily = counted.length === 0 ? own : spent / counted.length
  return { today: own / NANO, month: month / NANO, forecast: (month + Math.max(0, daily - own) + daily * daysLeft) / NANO }
}

function isAsked(line: CostLine, { from, to, worker, repo, model, session }: Omit<CostQuery, 'format'>, { nameOf }: ReportFacts): boolean {
  if ((from !== undefined && line.day < from) || (to !== undefined && line.day > to)) return false
  if (worker !== undefined && worker !== line.worker && worker !== nameOf(line.worker)) return false
  if (repo !== undefined && repo !== line.repo) return false
  return (model === undefined || model === line.model) && (session === undefined || session === line.session)
}

function keysOf(line: CostLine, by: CostGroup, { labelsOf }: ReportFacts): string[] {
  switch (by) {
    case 'month':
      return [line.day.slice(0, 7)]
    case 'repo':
      return [line.repo ?? '']
    case 'label':
      return Object.entries(labelsOf(line.worker)).map(([key, value]) => `${key}=${value}`)
    default:
      return [line[by]]
  }
}

function nameFor(key: string, by: CostGroup, { nameOf, titleOf }: ReportFacts): string | undefined {
  if (by === 'worker') return nameOf(key as PeerId)
  return by === 'session' || by === 'task' ? titleOf(key) : undefined
}

function add(sum: Sum, { tokens, nanoUsd }: CostLine): void {
  sum.tokens = addTokens(sum.tokens, tokens)
  sum.nano += nanoUsd
}

export function budgetReport(
  budget: Budget,
  register: RegisterValue | undefined,
  spendings: Spendings,
  { wallMs, nameOf }: Pick<ReportFacts, 'wallMs' | 'nameOf'>,
): BudgetView {
  const { name, nanoUsd, per, worker, repo, label } = budget
  const period = laterPeriod(register, periodOf(per, wallMs))
  const spent = spendings(budget, period)
  const total = [...spent.values()].reduce((sum, nano) => sum + nano, 0)
  const reserved = [...reservedBy(register, period)].reduce((sum, [peer, nano]) => sum + Math.max(0, nano - (spent.get(peer) ?? 0)), 0)
  return {
    name,
    usd: nanoUsd / NANO,
    per,
    ...(worker === undefined ? {} : { worker, workerName: nameOf(worker) }),
    ...(repo === undefined ? {} : { repo }),
    ...(label === undefined ? {} : { label: label.join('=') }),
    period: period.split(' ')[1] ?? '',
    spentUsd: total / NANO,
    reservedUsd: reserved / NANO,
    level: total >= nanoUsd ? 'exhausted' : total >= nanoUsd * WARNING ? 'warning' : 'ok',
  }
}

/** For a spreadsheet. What begins like a formula is kept from being one. */
export function csvOf({ by, items }: CostsView): string {
  const cell = (value: string | number): string => {
    const text = String(value)
    const inert = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
    return /[",\n\r]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
  }
  const rows = items.map(({ key, name = '', tokens, costUsd }) => [
    key,
    name,
    tokens.input,
    tokens.output,
    tokens.cacheRead,
    tokens.cacheWrite,
    costUsd,
  ])
  const head = [by, 'name', 'input', 'output', 'cache_read', 'cache_write', 'usd']
  return [head, ...rows].map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}
