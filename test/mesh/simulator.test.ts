// The simulator itself: the same seed gives the same run, a calm mesh is quick, and built-in mistakes are found.
import { expect, test } from 'vitest'
import { firstBroken, runSeeds } from './run-seeds.ts'
import { CALM_TWELVE, DEFAULT_PLAN, STALLS, STORM } from './parts/plans.ts'
import { simulate } from './simulator.ts'

const LONG_MS = 180_000

test(
  'a seed gives the same run each time',
  async () => {
    expect(await simulate(7)).toEqual(await simulate(7))
  },
  LONG_MS,
)

test(
  'twelve calm nodes settle a hundred tasks, five of them keep the registers, and no work is frozen',
  async () => {
    const report = await simulate(1, CALM_TWELVE)
    expect(report.violations).toEqual([])
    expect(report.counts).toMatchObject({ 'published majority': 100, lost: 0, lateRefused: 0 })
    // Tasks under keys come on top.
    expect(report.counts['settled tasks']).toBeGreaterThanOrEqual(100)
    expect(report.counts['work frozen'] ?? 0).toBe(0)
  },
  LONG_MS,
)

test(
  'dense faults and long pauses on slow links break no promise',
  async () => {
    expect(await runSeeds(1, 10, {}, STORM)).toEqual([])
    expect(await runSeeds(1, 20, {}, STALLS)).toEqual([])
  },
  LONG_MS,
)

test.each([
  ['a keeper that forgets its registers at a restart', { ...STORM, planted: 'forgetful-keeper' as const }, /^P[2-4]/],
  ['an answer before the fsync', { ...STORM, planted: 'skipped-fsync' as const }, /^P[1-4]/],
  ['a lease counted from the answer instead of the sending', { ...STALLS, planted: 'lease-from-answer' as const }, /^P3/],
])(
  'the checks can fail: %s is found',
  async (name, plan, promise) => {
    const found = await firstBroken(plan, 200, promise)
    console.log(`planted: ${name}: ${found}`)
    expect(found).toMatch(/^seed \d+: P/)
  },
  LONG_MS,
)

test('the plan without a planted mistake is the one that CI runs', () => {
  expect(DEFAULT_PLAN.planted).toBeUndefined()
  expect(STORM.planted).toBeUndefined()
})
