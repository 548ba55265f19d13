// The suite over a range of seeds: every promise of decision 0001 holds, and the rare states were really met.
import { describe, expect, test } from 'vitest'
import type { Totals } from './run-seeds.ts'
import { rareStates, runSeeds } from './run-seeds.ts'

const CHUNK = 25
/** A chunk takes five seconds on an idle machine. */
const CHUNK_TIMEOUT_MS = 120_000

export function describeSeeds(from: number, count: number): void {
  describe(`a mesh of five under loss, partitions, pauses and crashes, seeds ${from} to ${from + count - 1}`, () => {
    const totals: Totals = {}
    for (let first = from; first < from + count; first += CHUNK) {
      test(
        `seeds ${first} to ${first + CHUNK - 1} keep promises P1 to P13`,
        async () => {
          expect(await runSeeds(first, CHUNK, totals)).toEqual([])
        },
        CHUNK_TIMEOUT_MS,
      )
    }
    test('none of the rare states was missed', () => {
      const met = rareStates(totals)
      console.log(
        `simulator, ${totals['seeds']} seeds, ${totals['virtual seconds']} virtual s: ${JSON.stringify({ ...met, crash: totals['crash'], acknowledged: totals['published majority'] })}`,
      )
      expect(Object.entries(met).filter(([, times]) => times === 0)).toEqual([])
    })
  })
}
