// What a token may do: computed from signed specs alone, narrower with each level, refused by name where it would be more.
import { describe, expect, test } from 'vitest'
import { TASK_VERBS, VERBS } from '../../../../protocols/agents/capability.ts'
import type { TaskId } from '../../../../protocols/ids.ts'
import type { Outcome, TaskSpec } from '../../../../protocols/records.ts'
import { createAllowance } from '../../../../node/agents/capability/allowance.ts'
import { AGENT_TASKS_A_MINUTE_MAX, AGENT_TASKS_MAX, assertCapability, capabilityOf } from '../../../../node/agents/capability/capability.ts'

const id = (name: string): TaskId => name as TaskId
const spec = (more: Partial<TaskSpec> = {}): TaskSpec => ({ kind: 'shell', argv: ['true'], priority: 5, attempts: 1, ...more })
const agent = (more: object = {}): TaskSpec => spec({ ...more, kind: 'agent' as TaskSpec['kind'] })

function familyOf(specs: Record<string, TaskSpec>, outcomes: Record<string, Outcome> = {}, costs: Record<string, number> = {}) {
  let nowMs = 0
  const allowance = createAllowance({
    clock: { nowMs: () => nowMs },
    specOf: (task) => specs[task],
    outcomeOf: (task) => outcomes[task],
    children: (task) => Object.keys(specs).filter((name) => specs[name]?.parent === task) as TaskId[],
    costOf: (task) => costs[task],
  })
  return { grant: allowance.grant, specOf: (task: TaskId) => specs[task], pass: (ms: number) => void (nowMs += ms) }
}

describe('verbs', () => {
  test('are those of the kind, or those that the spec names, and never more than the line above holds', () => {
    const { specOf } = familyOf({ top: spec({ may: ['task.publish', 'mesh.read'] }), mid: agent({ parent: 'top' }) })
    expect(capabilityOf(spec(), specOf).verbs).toEqual(TASK_VERBS)
    expect(capabilityOf(agent(), specOf).verbs).toEqual(VERBS)
    expect(capabilityOf(spec({ may: ['mesh.read', 'made-up'] }), specOf).verbs).toEqual(['mesh.read'])
    expect(capabilityOf(spec({ may: [] }), specOf).verbs).toEqual([])
    // The agent has what its kind has, less what its parent lacks; its own child cannot get it back.
    expect(capabilityOf(agent({ parent: 'top' }), specOf).verbs).toEqual(['mesh.read', 'task.publish'])
    expect(() => assertCapability(spec({ parent: id('mid'), may: ['lock.hold'] }), specOf)).toThrow(/lock\.hold.*does not hold/)
    expect(() => assertCapability(spec({ parent: id('mid'), may: ['mesh.read'] }), specOf)).not.toThrow()
  })

  test('an ancestor that is not known here lends nothing beyond a shell task', () => {
    const { specOf } = familyOf({})
    expect(capabilityOf(agent({ parent: 'gone' }), specOf).verbs).toEqual(VERBS.filter((verb) => TASK_VERBS.includes(verb)))
    expect(() => assertCapability(spec({ parent: id('gone'), may: ['lock.hold'] }), specOf)).toThrow(/lock\.hold/)
  })
})

test('an agent may start an agent, and that one none, also not through a shell task', () => {
  const { specOf, grant } = familyOf({ first: agent(), second: agent({ parent: 'first' }), shell: spec({ parent: id('second') }) })
  expect(() => assertCapability(agent({ parent: 'first' }), specOf)).not.toThrow()
  expect(() => assertCapability(agent({ parent: 'second' }), specOf)).toThrow(/3 levels; 2 is the limit/)
  expect(() => grant(id('shell'), [agent({ parent: 'shell' })])).toThrow(/3 levels/)
  expect(() => grant(id('second'), [spec({ parent: id('second') })])).not.toThrow()
})

test('an agent publishes so many tasks a minute, and so many in all', () => {
  const { grant, pass } = familyOf({ first: agent() })
  const child = spec({ parent: id('first') })
  grant(
    id('first'),
    Array.from({ length: AGENT_TASKS_A_MINUTE_MAX }, () => child),
  )
  expect(() => grant(id('first'), [child])).toThrow(/within a minute/)
  pass(60_001)
  expect(() => grant(id('first'), [child])).not.toThrow()
  const many = Object.fromEntries(Array.from({ length: AGENT_TASKS_MAX }, (_, at) => [`c${at}`, child]))
  expect(() => familyOf({ first: agent(), ...many }).grant(id('first'), [child])).toThrow(/50 is the limit/)
})

describe('money', () => {
  const ended = (costUsd?: number): Outcome => ({ result: 'succeeded', endedAt: 1, ...(costUsd === undefined ? {} : { costUsd }) })
  test('a child takes its part of what is left: own cost, open children and ended ones are taken off', () => {
    const specs = {
      first: agent({ budgetUsd: 10 }),
      open: agent({ parent: 'first', budgetUsd: 3 }),
      done: agent({ parent: 'first', budgetUsd: 4 }),
    }
    const { grant } = familyOf(specs, { done: ended(1) }, { first: 2 })
    // 10 - 2 (own) - 3 (open) - 1 (what the ended one cost) = 4
    expect(grant(id('first'), [agent({ parent: 'first', budgetUsd: 4 })])[0]?.budgetUsd).toBe(4)
    expect(() => grant(id('first'), [agent({ parent: 'first', budgetUsd: 4.5 })])).toThrow(/4 USD are left/)
    expect(grant(id('first'), [agent({ parent: 'first' })])[0]?.budgetUsd, 'an agent that names none gets what is left').toBe(4)
    expect(() => grant(id('first'), [agent({ parent: 'first', budgetUsd: 3 }), agent({ parent: 'first', budgetUsd: 3 })])).toThrow(
      /1 USD are left/,
    )
    expect(grant(id('first'), [spec({ parent: id('first') })])[0]?.budgetUsd, 'a shell task costs nothing by itself').toBeUndefined()
  })

  test('a shell task between does not hide the budget, and an ended child that told no cost has cost all it had', () => {
    const specs = { first: agent({ budgetUsd: 5 }), shell: spec({ parent: id('first') }), below: agent({ parent: 'shell', budgetUsd: 2 }) }
    const { grant } = familyOf(specs, { below: ended() })
    expect(() => grant(id('shell'), [spec({ parent: id('shell'), budgetUsd: 4 })])).toThrow(/3 USD are left/)
    expect(grant(id('shell'), [spec({ parent: id('shell'), budgetUsd: 3 })])[0]?.budgetUsd).toBe(3)
  })
})
