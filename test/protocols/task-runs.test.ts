// Runs name many tasks in few bytes and give every ID back.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isTaskId, taskId } from '../../protocols/ids.ts'
import { TASK_BATCH_MAX } from '../../protocols/limits.ts'
import { batchTaskIds, countTasks, expandRuns, runsOf, runsUpTo } from '../../protocols/tasks/task-runs.ts'
import { alice, bob, CREATED_AT, NONCE } from './samples.ts'

const whole = batchTaskIds(alice.peerId, CREATED_AT, NONCE, 0, TASK_BATCH_MAX)
const single = taskId(alice.peerId, CREATED_AT, NONCE)

test('a batch has different IDs of the usual form, which bind author, time and nonce', () => {
  expect(new Set(whole).size).toBe(TASK_BATCH_MAX)
  expect(whole.every(isTaskId)).toBe(true)
  expect(whole).toEqual(whole.toSorted())
  expect(whole[0]?.slice(0, 10)).toBe(single.slice(0, 10))
  expect(batchTaskIds(alice.peerId, CREATED_AT, NONCE, 40, 3)).toEqual(whole.slice(40, 43))
  const others = [
    batchTaskIds(bob.peerId, CREATED_AT, NONCE, 0, 1),
    batchTaskIds(alice.peerId, CREATED_AT + 1, NONCE, 0, 1),
    batchTaskIds(alice.peerId, CREATED_AT, new Uint8Array(16), 0, 1),
  ]
  for (const [id] of others) expect(whole).not.toContain(id)
})

test('a whole batch is one run, and holes part it', () => {
  expect(runsOf(whole)).toEqual([[whole[0], TASK_BATCH_MAX]])
  expect(runsOf([...whole.slice(0, 5), ...whole.slice(6, 9), single])).toEqual([
    [whole[0], 5],
    [whole[6], 3],
    [single, 1],
  ])
  expect(runsOf([])).toEqual([])
})

test('any list of IDs comes back in its order', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...whole.slice(0, 40), single), { maxLength: 60 }), (ids) => {
      const runs = runsOf(ids)
      expect(expandRuns(runs)).toEqual(ids)
      expect(countTasks(runs)).toBe(ids.length)
    }),
  )
})

test('runs that go beyond their batch or name too many tasks are refused', () => {
  const schema = runsUpTo(10)
  expect(schema.safeParse([[whole[0], 10]]).success).toBe(true)
  expect(schema.safeParse([[whole.at(-1), 2]]).success).toBe(false)
  expect(
    schema.safeParse([
      [whole[0], 6],
      [whole[20], 5],
    ]).success,
  ).toBe(false)
  expect(schema.safeParse([['nobody', 1]]).success).toBe(false)
  expect(schema.safeParse([]).success).toBe(false)
})
