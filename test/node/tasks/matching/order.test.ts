// The two structures that keep a deep queue cheap: tasks in order, and tasks by time. Checked against sorting, and for cost.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TaskId } from '../../../../protocols/ids.ts'
import { createDueTimes } from '../../../../node/tasks/matching/due-times.ts'
import type { Candidate } from '../../../../node/tasks/matching/ordered-tasks.ts'
import { createOrderedTasks } from '../../../../node/tasks/matching/ordered-tasks.ts'

const candidate = (order: number, name: number): Candidate => ({ task: `t${name}` as TaskId, order, sinceMs: 0, retryAtMs: 0 })
const listOf = (tasks: { each(): Iterator<Candidate> }): Candidate[] => [...{ [Symbol.iterator]: () => tasks.each() }]

test('tasks come in their order after any sequence of adds, removals and looks', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('add', 'add', 'add', 'remove', 'look'), fc.nat(30)), { maxLength: 200 }), (steps) => {
      const tasks = createOrderedTasks()
      const model: Candidate[] = []
      for (const [step, value] of steps) {
        if (step === 'add') {
          const one = candidate(value, model.length + value * 1000)
          if (model.some((other) => other.task === one.task)) continue
          model.push(one)
          tasks.add(one)
        } else if (step === 'remove' && model.length > 0) tasks.remove(model.splice(value % model.length, 1)[0]!)
        else if (step === 'look') expect(listOf(tasks)).toEqual(sorted(model))
      }
      expect(tasks.size()).toBe(model.length)
      expect(listOf(tasks)).toEqual(sorted(model))
    }),
    { numRuns: 300 },
  )
})

test('times come out in order, each task once and at its earliest', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(100)), { maxLength: 100 }), (puts) => {
      const due = createDueTimes()
      const earliest = new Map<string, number>()
      for (const [name, atMs] of puts) {
        due.put(`t${name}` as TaskId, atMs)
        earliest.set(`t${name}`, Math.min(atMs, earliest.get(`t${name}`) ?? Infinity))
      }
      const taken: TaskId[] = []
      for (let nowMs = 0; nowMs <= 100; nowMs++) {
        for (let task = due.take(nowMs); task !== undefined; task = due.take(nowMs)) {
          expect(earliest.get(task)).toBe(nowMs)
          taken.push(task)
        }
      }
      expect(taken.length).toBe(earliest.size)
      expect(due.nextMs()).toBeUndefined()
    }),
    { numRuns: 300 },
  )
})

test('a hundred thousand tasks from five logs are put in order, and taken from the front, without a walk over all of them', () => {
  const before = process.cpuUsage()
  const tasks = createOrderedTasks()
  const all = Array.from({ length: 100_000 }, (_, at) => candidate((at % 20_000) * 5 + Math.floor(at / 20_000), at))
  for (const one of all) tasks.add(one)
  for (let taken = 0; taken < 100_000; taken++) {
    const first = tasks.each().next().value as Candidate
    if (first.order !== taken) throw new Error(`${first.order} came as number ${taken}`)
    tasks.remove(first)
  }
  expect(tasks.size()).toBe(0)
  // Processor time, not the clock on the wall: other tests run beside this one. A walk over all for each would take minutes.
  expect(process.cpuUsage(before).user / 1000).toBeLessThan(4_000)
})

function sorted(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => a.order - b.order || (a.task < b.task ? -1 : 1))
}
