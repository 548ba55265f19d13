// The database contract in memory, for tests and the simulator. Sorted when it is read.
import type { Database } from './database.ts'

export function createMemoryDatabase(): Database {
  const pairs = new Map<string, Uint8Array>()
  return {
    get: (key) => Promise.resolve(pairs.get(key)),
    async *range(from, to) {
      for (const key of [...pairs.keys()].filter((k) => k >= from && k < to).sort()) {
        const value = pairs.get(key)
        if (value !== undefined) yield [key, value]
      }
    },
    write(writes) {
      for (const write of writes) {
        if ('put' in write) pairs.set(write.put, write.value)
        else pairs.delete(write.del)
      }
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
}
