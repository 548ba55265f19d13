// Rates and counters as pure changes: no window over its limit, and a repeated proposal counts once.
import { expect, test } from 'vitest'
import type { RegisterValue } from '../../../../protocols/records.ts'
import { createSeededRandom } from '../../../../node/kernel/random.ts'
import { INITIAL_VALUE } from '../../../../node/tasks/fold/fold.ts'
import type { Operation } from '../../../../node/tasks/names/sums.ts'
import { addToSum, countStart, nextStartMs, uncountStart } from '../../../../node/tasks/names/sums.ts'
import { fakePeer } from '../../../mesh/parts/fake-identity.ts'

const START_MS = 1_764_000_000_000
let number = 0
const operation = (): Operation => [fakePeer(1), 7, ++number]
const isValue = (decided: RegisterValue | { refused: string }): decided is RegisterValue => 'version' in decided

test.each([
  [1, 100],
  [3, 1_000],
  [200, 30_000],
  [5_000, 60_000],
])('at most %i starts in any %i ms, and soon a further one', (limit, perMs) => {
  const random = createSeededRandom(limit)
  const rate = { limit, perMs }
  const times: number[] = []
  let value: RegisterValue = INITIAL_VALUE
  let wallMs = START_MS
  for (let i = 0; i < 3_000; i++) {
    wallMs += Math.floor((random.next() * 2 * perMs) / limit)
    const next = countStart(rate, wallMs, operation())(value)
    expect(isValue(next)).toBe(nextStartMs(value, rate, wallMs) <= wallMs)
    if (!isValue(next)) continue
    value = next
    times.push(wallMs)
  }
  for (const [at, time] of times.entries()) expect(time - (times[at - limit] ?? -Infinity)).toBeGreaterThanOrEqual(perMs)
  expect(value.name?.starts?.length).toBeLessThanOrEqual(70)
  // No more than a sixty-fourth is lost to pieces.
  const fullMs = nextStartMs(value, { ...rate, limit: 1 }, wallMs)
  expect(fullMs - wallMs).toBeLessThanOrEqual(perMs * (1 + 1 / 32) + 1)
})

test('a start that did not happen is taken back and frees its place', () => {
  const rate = { limit: 1, perMs: 60_000 }
  const counted = countStart(rate, START_MS, operation())(INITIAL_VALUE) as RegisterValue
  expect(nextStartMs(counted, rate, START_MS)).toBeGreaterThan(START_MS)
  const back = uncountStart(START_MS, operation())(counted) as RegisterValue
  expect(nextStartMs(back, rate, START_MS)).toBe(START_MS)
})

test('an operation counts once, however often it is proposed, and a later one of the same node again', () => {
  const first = operation()
  const once = addToSum(5, first)(INITIAL_VALUE) as RegisterValue
  expect(addToSum(5, first)(once)).toEqual({ refused: 'done' })
  expect((addToSum(-2, operation())(once) as RegisterValue).name?.sum).toBe(3)
  expect(addToSum(Number.MAX_SAFE_INTEGER, operation())(once)).toEqual({ refused: 'overflow' })
})
