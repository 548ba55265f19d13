// Costs and budgets as REST speaks of them. Dollars are numbers here; days are days of UTC.
import * as z from 'zod'
import { tokenCounts } from './agent-events.ts'

export const COST_GROUPS = ['day', 'month', 'session', 'task', 'worker', 'repo', 'model', 'label'] as const
export type CostGroup = (typeof COST_GROUPS)[number]

export const BUDGET_PERIODS = ['day', 'month', 'total'] as const
export const budgetName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/i, 'letters, digits, dots, dashes and underscores, 63 at most, beginning with a letter or digit')

const usd = z.number().min(0)
const day = z.string().regex(/^\d{4}-\d\d-\d\d$/, 'a day, as 2030-01-31')

export const costQuery = z.strictObject({
  by: z.enum(COST_GROUPS).default('day'),
  /** Both days are part of it. */
  from: day.optional(),
  to: day.optional(),
  worker: z.string().max(128).optional(),
  repo: z.string().max(2_048).optional(),
  model: z.string().max(200).optional(),
  session: z.string().max(64).optional(),
  format: z.enum(['json', 'csv']).default('json'),
})
export type CostQuery = z.infer<typeof costQuery>

const costLine = z.object({
  key: z.string(),
  /** What people call it, where the key is an ID. */
  name: z.string().optional(),
  tokens: tokenCounts,
  costUsd: usd,
})
export type CostLine = z.infer<typeof costLine>

export const costsView = z
  .object({
    by: z.enum(COST_GROUPS),
    items: z.array(costLine),
    /** Of all lines. */
    total: z.object({ tokens: tokenCounts, costUsd: usd }),
    /** Of the whole mesh, whatever was asked for. */
    today: usd,
    month: usd,
    /** This month, if the rest of it goes on as the last seven days did. */
    forecast: usd,
    /** Sessions that have an open turn now, and what they cost so far. */
    now: z.object({ sessions: z.int(), costUsd: usd }),
  })
  .meta({ id: 'Costs' })
export type CostsView = z.infer<typeof costsView>

export const budgetRequest = z
  .strictObject({
    name: budgetName,
    usd: z.number().min(0.000001).max(1_000_000),
    per: z.enum(BUDGET_PERIODS),
    worker: z.string().min(1).max(128).optional(),
    repo: z.string().min(1).max(2_048).optional(),
    /** Of the worker, as k=v. */
    label: z
      .string()
      .max(400)
      .regex(/^[^=]{1,128}=.{0,256}$/, 'as key=value')
      .optional(),
  })
  .meta({ id: 'BudgetRequest' })
export type BudgetRequest = z.infer<typeof budgetRequest>

const BUDGET_LEVELS = ['ok', 'warning', 'exhausted'] as const
export const budgetView = z
  .object({
    name: z.string(),
    usd,
    per: z.enum(BUDGET_PERIODS),
    worker: z.string().optional(),
    workerName: z.string().optional(),
    repo: z.string().optional(),
    label: z.string().optional(),
    /** The period that runs: 2030-01-31, 2030-01, or nothing for a total. */
    period: z.string(),
    spentUsd: usd,
    /** Taken by workers in advance and not spent yet: another worker cannot spend it. */
    reservedUsd: usd,
    /** `warning` from 80 % on, `exhausted` from 100 % on. */
    level: z.enum(BUDGET_LEVELS),
  })
  .meta({ id: 'Budget' })
export type BudgetView = z.infer<typeof budgetView>
