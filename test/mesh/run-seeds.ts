// Runs many seeds and says what they went through: totals of the rare states, and how to replay what failed.
import type { Plan } from './parts/plans.ts'
import { planOf } from './parts/plans.ts'
import type { Report } from './simulator.ts'
import { simulate } from './simulator.ts'

/** States that a run must have met, or it proves nothing: name, and the counters that stand for it. */
const RARE_STATES: Record<string, readonly string[]> = {
  'claim refused': ['conflicts'],
  'lease fenced': ['lateRefused', 'lost'],
  'minority waiting': ['published local', 'unreachable'],
  'minority looked at': ['looked at a minority'],
  'work frozen': ['work frozen'],
  'run again elsewhere': ['run again elsewhere'],
  'long lease thawed': ['long lease thawed'],
  'long lease over': ['long lease over'],
  'available run more than once': ['available run more than once'],
  'available result settled by another': ['freeHelped'],
  'seat changes': ['seat changes'],
  'seat lost for good': ['seat lost for good'],
  'group recovered': ['group recovered'],
  'lost majority came back': ['lost majority came back'],
  'crash with a torn batch': ['torn batch'],
}

export type Totals = Record<string, number>

/** Without a plan each seed has the one of CI. @returns one line a broken promise, each with the command that replays it */
export async function runSeeds(from: number, count: number, totals: Totals, plan?: Plan): Promise<string[]> {
  const broken: string[] = []
  for (let seed = from; seed < from + count; seed++) {
    const report = await simulate(seed, plan ?? planOf(seed))
    add(totals, report)
    broken.push(...report.violations.map((violation) => `seed ${seed}: ${violation} (replay: node test/mesh/replay.ts ${seed})`))
  }
  return broken
}

export function rareStates(totals: Totals): Record<string, number> {
  return Object.fromEntries(
    Object.entries(RARE_STATES).map(([state, counters]) => [state, counters.reduce((sum, name) => sum + (totals[name] ?? 0), 0)]),
  )
}

/** The first broken promise of this kind among `count` seeds. */
export async function firstBroken(plan: Plan, count: number, promise: RegExp): Promise<string | undefined> {
  for (let seed = 1; seed <= count; seed++) {
    const broken = (await simulate(seed, plan)).violations.find((violation) => promise.test(violation))
    if (broken !== undefined) return `seed ${seed}: ${broken}`
  }
  return undefined
}

function add(totals: Totals, report: Report): void {
  totals['seeds'] = (totals['seeds'] ?? 0) + 1
  totals['virtual seconds'] = (totals['virtual seconds'] ?? 0) + Math.round(report.virtualMs / 1000)
  for (const [name, value] of Object.entries(report.counts)) totals[name] = (totals[name] ?? 0) + value
}
