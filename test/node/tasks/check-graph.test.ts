// What a batch of tasks may wait for: refused by name, also where the ring is long.
import { expect, test } from 'vitest'
import type { TaskId } from '../../../protocols/ids.ts'
import { checkGraph } from '../../../node/tasks/check-graph.ts'

const idOf = (at: number): TaskId => `0${String(at).padStart(25, '0')}` as TaskId
const check = (needs: number[][], known: number[] = []): string => {
  const ids = needs.map((_, at) => idOf(at))
  const specs = needs.map((after) => ({ kind: 'noop' as const, argv: [], priority: 5, attempts: 1, after: after.map(idOf) }))
  try {
    checkGraph(ids, specs, (id) => known.map(idOf).includes(id))
    return 'fine'
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`
  }
}

test('fan-out, fan-in and tasks outside the batch are fine', () => {
  expect(check([[], [0], [0], [1, 2], [77]], [77])).toBe('fine')
})

test('a task that waits for itself, for a ring or for nothing known is refused by name', () => {
  expect(check([[], [1]])).toBe('after-cycle: Task 1 of the batch waits for itself: it would never run.')
  expect(check([[2], [0], [1], [0]])).toBe(
    'after-cycle: Tasks 0 -> 2 -> 1 -> 0 of the batch wait for each other in a ring: none would ever run.',
  )
  expect(check([[], [99]])).toMatch(/^after-unknown: Task 1 of the batch waits for 0+99, which this mesh does not know\.$/)
})

test('a ring of 10,000 tasks is found without running out of stack, and named in part', () => {
  const ring = Array.from({ length: 10_000 }, (_, at) => [(at + 1) % 10_000])
  expect(check(ring)).toMatch(/^after-cycle: Tasks 0 -> 1 -> .* -> 8 -> 0 of the batch/)
})
