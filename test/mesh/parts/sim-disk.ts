// The simulator's disk: pieces of writes become durable in order and after a delay; a crash keeps a random prefix of what was
// under way and answers none of it.
import type { Random } from '../../../node/kernel/random.ts'
import { frameValue, unframeValue } from '../../../node/store/checked-value.ts'
import type { Database, Write } from '../../../node/store/database.ts'
import { createMemoryDatabase } from '../../../node/store/memory-database.ts'
import type { SimClock } from './sim-clock.ts'

export type SimDisk = {
  database: Database
  persist(writes: readonly Write[], done: () => void): void
  /** Nothing is waiting to be written. */
  isIdle(): boolean
  crash(): void
  /** Calls back once, while the next write is under way. */
  duringNextWrite(strike: () => void): void
  read(key: string): Promise<Uint8Array | undefined>
}

/** A disk that answers before it has written keeps the rest in a cache for this long. */
const UNSYNCED_MS = 500

export type SimDiskOptions = {
  /** A crash cut into what was being written. */
  onTorn(): void
  /** A planted fault: callers hear "done" although a crash can still take the writes away. */
  answersEarly?: boolean
}

export function createSimDisk(clock: SimClock, random: Random, options: SimDiskOptions): SimDisk {
  const database = createMemoryDatabase()
  let pending: { writes: readonly Write[]; done: () => void }[] = []
  let generation = 0
  let syncing = false
  let strikeNext: (() => void) | undefined

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
    clock.after(0.2 + random.next() * 2 + (options.answersEarly === true ? UNSYNCED_MS : 0), () => {
      if (born !== generation) return
      syncing = false
      const done = pending.splice(0, count)
      for (const piece of done) apply(piece.writes)
      if (options.answersEarly !== true) for (const piece of done) piece.done()
      sync()
    })
  }
  return {
    database,
    persist(writes, done) {
      pending.push({ writes, done })
      if (options.answersEarly === true) clock.after(0.2, done)
      sync()
      if (strikeNext !== undefined) clock.after(random.next() * 0.2, strikeNext)
      strikeNext = undefined
    },
    isIdle: () => pending.length === 0,
    duringNextWrite(strike) {
      strikeNext = strike
    },
    crash() {
      generation += 1
      strikeNext = undefined
      syncing = false
      const survivors = Math.floor(random.next() * (pending.length + 1))
      if (survivors < pending.length) options.onTorn()
      for (const piece of pending.slice(0, survivors)) apply(piece.writes)
      pending = []
    },
    async read(key) {
      const framed = await database.get(key)
      return framed === undefined ? undefined : unframeValue(framed)
    },
  }
}
