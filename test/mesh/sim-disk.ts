// The simulator's disk: pieces of writes become durable in order and after a delay; a crash keeps a random prefix of what was
// under way and answers none of it.
import type { Random } from '../../node/kernel/random.ts'
import { frameValue, unframeValue } from '../../node/store/checked-value.ts'
import type { Database, Write } from '../../node/store/database.ts'
import { createMemoryDatabase } from '../../node/store/memory-database.ts'
import type { SimClock } from './sim-clock.ts'

export type SimDisk = {
  database: Database
  persist(writes: readonly Write[], done: () => void): void
  crash(): void
  read(key: string): Promise<Uint8Array | undefined>
}

export function createSimDisk(clock: SimClock, random: Random): SimDisk {
  const database = createMemoryDatabase()
  let pending: { writes: readonly Write[]; done: () => void }[] = []
  let generation = 0
  let syncing = false

  const apply = (writes: readonly Write[]): void => {
    void database.write(
      writes.map((write) => ('put' in write ? { put: write.put, value: frameValue(write.value) } : write)),
      { sync: true },
    )
  }
  const sync = (): void => {
    if (syncing || pending.length === 0) return
    syncing = true
    const born = generation
    const count = pending.length
    clock.after(0.2 + random.next() * 2, () => {
      if (born !== generation) return
      syncing = false
      const done = pending.splice(0, count)
      for (const piece of done) apply(piece.writes)
      for (const piece of done) piece.done()
      sync()
    })
  }
  return {
    database,
    persist(writes, done) {
      pending.push({ writes, done })
      sync()
    },
    crash() {
      generation += 1
      syncing = false
      const survivors = Math.floor(random.next() * (pending.length + 1))
      for (const piece of pending.slice(0, survivors)) apply(piece.writes)
      pending = []
    },
    async read(key) {
      const framed = await database.get(key)
      return framed === undefined ? undefined : unframeValue(framed)
    },
  }
}
