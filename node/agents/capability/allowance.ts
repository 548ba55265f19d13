// What a task may still start with its token, at the node where it runs: how many tasks, how fast, for how much money. The money of
// a child is part of its parent's, so a line of agents never spends more than the first was given.
import type { TaskId } from '../../../protocols/ids.ts'
import { FAMILY_DEPTH_MAX } from '../../../protocols/limits.ts'
import type { Outcome, TaskSpec } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import { AGENT_TASKS_A_MINUTE_MAX, AGENT_TASKS_MAX, assertCapability, isAgent } from './capability.ts'

const MINUTE_MS = 60_000
/** Tasks whose starts are remembered; beyond it the oldest is forgotten, and may start as many again within the minute. */
const REMEMBERED_MAX = 1_000

export type AllowanceComponents = {
  clock: Pick<Clock, 'nowMs'>
  specOf(task: TaskId): TaskSpec | undefined
  /** Its end, where it has ended. */
  outcomeOf(task: TaskId): Outcome | undefined
  children(task: TaskId): Iterable<TaskId>
  /** What the task said that it cost so far, where it runs here. */
  costOf(task: TaskId): number | undefined
}

export type Allowance = {
  /**
   * The specs as the parent may publish them: each agent with a budget where one stands above it.
   * @throws NimbusError where it may not
   */
  grant(parent: TaskId, specs: readonly TaskSpec[]): TaskSpec[]
}

export function createAllowance(components: AllowanceComponents): Allowance {
  const { clock, specOf } = components
  const starts = new Map<TaskId, number[]>()

  const assertPace = (parent: TaskId, count: number): void => {
    const nowMs = clock.nowMs()
    const recent = (starts.get(parent) ?? []).filter((atMs) => atMs > nowMs - MINUTE_MS)
    const have = [...components.children(parent)].length
    if (have + count > AGENT_TASKS_MAX)
      throw tooMany('agent-tasks', parent, `has published ${have} tasks and wants ${count} more; ${AGENT_TASKS_MAX} is the limit`)
    if (recent.length + count > AGENT_TASKS_A_MINUTE_MAX)
      throw tooMany(
        'agent-pace',
        parent,
        `has published ${recent.length} tasks within a minute and wants ${count} more; ${AGENT_TASKS_A_MINUTE_MAX} is the limit`,
      )
    starts.delete(parent)
    if (starts.size >= REMEMBERED_MAX) for (const oldest of starts.keys()) if (starts.delete(oldest)) break
    starts.set(parent, [...recent, ...Array.from({ length: count }, () => nowMs)])
  }
  /** What open descendants may spend, and ended ones have: of each line the first that was given money. */
  const handedOn = (task: TaskId, depth: number): number => {
    let sum = 0
    for (const child of components.children(task)) {
      const granted = budgetOf(specOf(child))
      const outcome = components.outcomeOf(child)
      if (granted === undefined) sum += depth < FAMILY_DEPTH_MAX ? handedOn(child, depth + 1) : 0
      else sum += outcome === undefined ? granted : Math.min(granted, outcome.costUsd ?? (outcome.unrun === true ? 0 : granted))
    }
    return sum
  }
  /** What is left of the nearest budget in its line. */
  const leftOf = (task: TaskId): number | undefined => {
    let holder: TaskId | undefined = task
    for (let depth = 0; holder !== undefined && depth <= FAMILY_DEPTH_MAX; depth++) {
      const budget = budgetOf(specOf(holder))
      if (budget !== undefined) return budget - (components.costOf(holder) ?? 0) - handedOn(holder, 0)
      holder = specOf(holder)?.parent
    }
    return undefined
  }
  return {
    grant(parent, specs) {
      for (const spec of specs) assertCapability(spec, specOf)
      const own = specOf(parent)
      let left = leftOf(parent)
      const granted = specs.map((spec) => {
        const named = budgetOf(spec)
        if (left === undefined || (named === undefined && !isAgent(spec))) return spec
        const wanted = named ?? left
        if (left <= 0 || wanted > left) throw overBudget(parent, wanted, left)
        left -= wanted
        return spec.agent === undefined ? { ...spec, budgetUsd: wanted } : { ...spec, agent: { ...spec.agent, budgetUsd: wanted } }
      })
      if (own !== undefined && isAgent(own)) assertPace(parent, specs.length)
      return granted
    },
  }
}

/** A session has its budget among what it is told. */
function budgetOf(spec: TaskSpec | undefined): number | undefined {
  return spec?.agent?.budgetUsd ?? spec?.budgetUsd
}

function tooMany(code: string, parent: TaskId, what: string): NimbusError {
  return new NimbusError(code, `Agent ${parent} ${what}.`, {
    kind: 'refused',
    cure: 'Do more in one task, or ask a person with ask_human.',
  })
}

function overBudget(parent: TaskId, wanted: number, left: number): NimbusError {
  return new NimbusError(
    'budget-spent',
    `Task ${parent} wants to hand on ${wanted} USD of its budget, and ${Math.max(0, left)} USD are left.`,
    {
      kind: 'refused',
      cure: 'Give the task less, wait until others have ended, or ask a person.',
    },
  )
}
