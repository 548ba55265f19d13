// The counts of states are those of the tasks, whatever arrives first and however often.
import { expect, test } from 'vitest'
import type { RegisterValue } from '../../../../protocols/records.ts'
import type { TaskState } from '../../../../node/tasks/fold/fold.ts'
import { emptyState } from '../../../../node/tasks/fold/task-state.ts'
import { createStateCounts } from '../../../../node/tasks/view/state-counts.ts'
import { batchTaskIds } from '../../../../protocols/tasks/task-runs.ts'
import { alice, CREATED_AT, NONCE, registerValues } from '../../../protocols/samples.ts'

const ids = batchTaskIds(alice.peerId, CREATED_AT, NONCE, 0, 4)
const task = { author: alice.peerId, createdAt: CREATED_AT, spec: { kind: 'noop' as const, argv: [], priority: 0, attempts: 1 }, hlc: 1 }
const settled = registerValues['settled'] as RegisterValue
const context = { wallMs: CREATED_AT, termEnded: () => false, isBlocked: () => false }

test('an end counts once, an open task as what it is now, and one without a record not at all', () => {
  const counts = createStateCounts()
  const states = ids.map((id): TaskState => ({ ...emptyState(id), task }))
  const [first, second, third, fourth] = states as [TaskState, TaskState, TaskState, TaskState]
  for (const state of states) counts.note(state)
  expect(counts.now(context)).toMatchObject({ ready: 4, running: 0, dead: 0 })
  second.value = registerValues['held'] as RegisterValue
  third.value = settled
  for (const state of [first, second, third, third]) counts.note(state)
  expect(counts.now(context)).toMatchObject({ ready: 2, running: 1, dead: 1 })
  expect(counts.now({ ...context, isBlocked: (id) => id === fourth.id })).toMatchObject({ ready: 1, blocked: 1 })
  const early: TaskState = { ...emptyState(ids[0]!), value: settled }
  counts.note(early)
  expect(counts.now(context)).toMatchObject({ dead: 1 })
  early.task = task
  counts.note(early)
  expect(counts.now(context)).toMatchObject({ dead: 2 })
})
