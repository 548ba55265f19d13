// Money in the logs: what a worker says that its sessions cost, and how much the mesh may spend (decision 0029). Amounts are whole
// billionths of a dollar, so that sums do not depend on their order.
import * as z from 'zod'
import type { PeerId, TaskId } from '../ids.ts'
import { isPeerId, isTaskId } from '../ids.ts'
import { tokenCounts } from './agent-events.ts'
import { BUDGET_PERIODS, budgetName } from './cost-views.ts'

const task = z.custom<TaskId>((value) => typeof value === 'string' && isTaskId(value), 'not a task ID')
const peerId = z.custom<PeerId>((value) => typeof value === 'string' && isPeerId(value), 'not a peer ID')
const nanoUsd = z.int().min(0)

/** Billionths in a dollar. */
export const NANO = 1_000_000_000

/** What one worker spent on one task with one model in one day of UTC, all of it so far: it only grows. */
export const costRecord = z.looseObject({
  kind: z.literal('cost'),
  session: task,
  task,
  day: z.string().regex(/^\d{4}-\d\d-\d\d$/),
  model: z.string().min(1).max(200),
  repo: z.string().max(2_048).optional(),
  tokens: tokenCounts,
  nanoUsd,
})
export type CostRecord = z.infer<typeof costRecord>

const budgetTerms = z.looseObject({
  nanoUsd: z.int().min(1),
  per: z.enum(BUDGET_PERIODS),
  /** Which sessions it is for; without any of them, all. `label` is one of the worker. */
  worker: peerId.optional(),
  repo: z.string().min(1).max(2_048).optional(),
  label: z.tuple([z.string().min(1).max(128), z.string().max(256)]).optional(),
})
export type BudgetTerms = z.infer<typeof budgetTerms>

/** The newest record of a name counts (by HLC, then author). Without terms the budget is removed. */
export const budgetRecord = z.looseObject({ kind: z.literal('budget'), name: budgetName, budget: budgetTerms.optional() })
export type BudgetRecord = z.infer<typeof budgetRecord>

export const moneyRecords = [costRecord, budgetRecord] as const

/**
 * In the register of a budget (decision 0029): its period, and what each worker has reserved of it. [worker, billionths of a dollar]
 */
export const budgetShares = z.looseObject({
  period: z.string().max(32),
  shares: z.array(z.tuple([peerId, nanoUsd])).max(512),
})
export type BudgetShares = z.infer<typeof budgetShares>
