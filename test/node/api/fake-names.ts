// Names behind the API of a test: one process, so a map is enough.
import type { NamesPort } from '../../../node/api/ports.ts'

export function createFakeNames(): NamesPort {
  const sums = new Map<string, number>()
  return {
    locks: () => [],
    async *hold() {
      yield { event: 'held', fence: 1, certainMs: 1_000 }
    },
    counters: () => [...sums].map(([name, value]) => ({ name, value })),
    counter(name) {
      const value = sums.get(name)
      return value === undefined ? undefined : { name, value }
    },
    async add(name, by) {
      const value = (sums.get(name) ?? 0) + by
      sums.set(name, value)
      return { name, value }
    },
  }
}
