// Names under the simulator: locks, keys and counters of a mesh with crashes, partitions, pauses and bad weather.
import { expect, test } from 'vitest'
import type { Totals } from '../run-seeds.ts'
import { runSeeds } from '../run-seeds.ts'
import { NAMED, STORM } from '../parts/plans.ts'

const LONG_MS = 240_000
/** States that the runs must have met, or they prove nothing. */
const RARE = [
  'lock held',
  'lock waited for',
  'lock lost',
  'run under a key',
  'count repeated',
  'count unknown',
  'work frozen',
  'crash',
  'run again elsewhere',
]
const totals: Totals = {}

test.each([1, 11, 21])(
  'seeds %i and the nine after it keep promises N1 to N4',
  async (from) => {
    expect(await runSeeds(from, 10, totals, NAMED)).toEqual([])
  },
  LONG_MS,
)

test(
  'so do dense faults',
  async () => {
    expect(await runSeeds(1, 8, totals, { ...NAMED, tasks: STORM.tasks, faultGapMaxMs: STORM.faultGapMaxMs })).toEqual([])
  },
  LONG_MS,
)

test('none of the rare states was missed', () => {
  console.log(`names, ${totals['seeds']} seeds: ${JSON.stringify(Object.fromEntries(RARE.map((name) => [name, totals[name] ?? 0])))}`)
  expect(RARE.filter((name) => (totals[name] ?? 0) === 0)).toEqual([])
})
