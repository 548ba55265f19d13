// Group commit: callers hand in writes and hear when they are on disk; while one fsync runs the next batch gathers.
import { afterThisTurn } from '../kernel/clock.ts'
import type { Database, Write } from './database.ts'
import { frameValue } from './checked-value.ts'

/** Writes waiting for the disk; beyond this the node is stopped by `onFull`, since nothing may be dropped. */
const PENDING_MAX = 200_000

export type GroupCommit = {
  /** Queues writes as one atomic piece; `done` is called once they are durable. Order of pieces is kept. */
  add(writes: readonly Write[], done?: () => void): void
  /** Settles when everything added before is durable, or when the disk has failed for good. */
  flush(): Promise<void>
  /** Pieces written and fsyncs spent on them, for metrics. */
  counters(): { writes: number; syncs: number }
}

export function createGroupCommit(database: Database, onFailure: (error: unknown) => void): GroupCommit {
  let gathering: Write[] = []
  let waiting: (() => void)[] = []
  /** Those who wait for a flush: after a failure they wait for nothing. */
  let flushing: (() => void)[] = []
  let running = false
  let broken = false
  const counters = { writes: 0, syncs: 0 }

  const pump = async (): Promise<void> => {
    if (running) return
    running = true
    try {
      while (waiting.length > 0) {
        const [writes, done] = [gathering, waiting]
        gathering = []
        waiting = []
        counters.writes += writes.length
        counters.syncs += 1
        await database.write(writes, { sync: true })
        for (const callback of done) callback()
      }
    } catch (error) {
      // A handle that failed once keeps failing: the node must stop answering rather than answer untruly.
      broken = true
      for (const callback of flushing.splice(0)) callback()
      onFailure(error)
      return
    }
    running = false
  }

  return {
    add(writes, done) {
      if (gathering.length + writes.length > PENDING_MAX) return onFailure(new Error(`more than ${PENDING_MAX} writes wait for the disk`))
      for (const write of writes) gathering.push('put' in write ? { put: write.put, value: frameValue(write.value) } : write)
      waiting.push(done ?? (() => {}))
      // A batch costs the thread a third of a millisecond: what was just learned is told first.
      if (!running) afterThisTurn(() => void pump())
    },
    flush: () =>
      new Promise((resolve) => {
        if (broken || (!running && waiting.length === 0)) return resolve()
        flushing.push(resolve)
        waiting.push(() => {
          flushing = flushing.filter((one) => one !== resolve)
          resolve()
        })
        queueMicrotask(() => void pump())
      }),
    counters: () => ({ ...counters }),
  }
}
