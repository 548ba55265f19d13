// Which of a long row of open tasks a free worker takes: those of its own first, but never one that is much younger.
import { expect, test } from 'vitest'
import type { PeerId, TaskId } from '../../../../protocols/ids.ts'
import type { Offer } from '../../../../node/tasks/matching/match.ts'
import { turnAmong } from '../../../../node/tasks/matching/match.ts'
import { nearestFirst } from '../../../../node/tasks/matching/turns.ts'

const row = (orders: readonly number[]) =>
  orders.map((order, index) => ({ candidate: { task: `t${index}` as TaskId, order, sinceMs: 0, retryAtMs: 0 }, from: undefined }))
const taken = (orders: readonly number[], ahead: number, turns: readonly number[]): string[] =>
  [...nearestFirst(row(orders)[Symbol.iterator](), ahead, ({ candidate }) => turns[Number(candidate.task.slice(1))] ?? 0)].map(
    ({ candidate }) => candidate.task,
  )

test('one worker takes the oldest first', () => {
  expect(taken([1, 2, 3, 4], 2, [0, 0, 0, 0])).toEqual(['t0', 't1', 't2', 't3'])
})

test('of tasks of about one age its own come first, and each is taken once', () => {
  expect(taken([1, 2, 3, 4, 5, 6], 3, [2, 1, 0, 2, 0, 1])).toEqual(['t2', 't1', 't4', 't5', 't0', 't3'])
})

test('one that is much younger never passes', () => {
  expect(taken([0, 5_001, 60_000], 9, [3, 2, 0])).toEqual(['t0', 't1', 't2'])
})

test('every task is the first of exactly one worker, and more slots make more of them', () => {
  const offer = (name: string, slots: number): Offer => ({
    node: name as PeerId,
    name,
    alive: true,
    draining: false,
    mayRun: true,
    roles: [],
    skills: [],
    labels: {},
    pool: undefined,
    accept: [],
    slots,
    freeSlots: 0,
  })
  const offers = [offer('a', 1), offer('b', 1), offer('c', 4)]
  const firsts = { a: 0, b: 0, c: 0 }
  for (let index = 0; index < 600; index++) {
    const places = offers.map(({ node }) => turnAmong(node, `task-${index}` as TaskId, offers))
    expect(places.toSorted((x, y) => x - y)).toEqual([0, 1, 2])
    firsts[(['a', 'b', 'c'] as const)[places.indexOf(0)] as 'a' | 'b' | 'c'] += 1
  }
  expect(firsts.c).toBeGreaterThan(330)
  expect(Math.min(firsts.a, firsts.b)).toBeGreaterThan(60)
})
