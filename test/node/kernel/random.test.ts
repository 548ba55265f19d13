import { expect, test } from 'vitest'
import { createSeededRandom, createSystemRandom, pick } from '../../../node/kernel/random.ts'

test('the same seed gives the same numbers and bytes, another seed others', () => {
  const draw = (seed: number): unknown => {
    const random = createSeededRandom(seed)
    return [random.next(), [...random.bytes(8)], random.next()]
  }
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
})

test.each([
  ['seeded', createSeededRandom(42)],
  ['system', createSystemRandom()],
])('%s numbers lie in [0, 1) and fill it evenly', (_, random) => {
  const tenths = Array.from({ length: 10 }, () => 0)
  for (let index = 0; index < 20_000; index++) {
    const value = random.next()
    expect(value >= 0 && value < 1).toBe(true)
    const tenth = Math.floor(value * 10)
    tenths[tenth] = (tenths[tenth] ?? 0) + 1
  }
  // 2000 in each are expected; a fair generator leaves this range once in more than ten million runs.
  for (const count of tenths) expect(count).toSatisfy((seen: number) => seen > 1750 && seen < 2250)
})

test('pick takes each item in its turn of chance, and says undefined where there is none', () => {
  const random = createSeededRandom(3)
  const picked = new Set(Array.from({ length: 200 }, () => pick(random, ['a', 'b', 'c'])))
  expect(picked).toEqual(new Set(['a', 'b', 'c']))
  expect(pick(random, [])).toBeUndefined()
})
