// The event stream of one node: what the fold takes in and what this node sees, to any number of readers. Each reader has a
// bounded queue; who falls behind is told `resync`, never silently skipped. State of a reader ends with its signal.
import type { TasksRecord } from '../../../protocols/records.ts'
import type { EventView } from '../../../protocols/http/views.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Head } from '../../../protocols/streams.ts'
import type { Block } from '../../../protocols/blocks.ts'
import { decodeOwnBlock } from '../../../protocols/blocks.ts'
import type { TaskRun } from '../../../protocols/tasks/task-runs.ts'
import { expandRuns } from '../../../protocols/tasks/task-runs.ts'
import type { BlockStore } from '../../replication/block-store.ts'
import { eachOfBatch } from '../fold/task-records.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'

/** Events that wait for one reader. */
const QUEUE_MAX = 10_000
const READERS_MAX = 256

export type FeedEvent = EventView | { type: 'resync' }
export type FeedComponents = {
  wallMs(): number
  heads(): readonly Head[]
  blocks: Pick<BlockStore, 'read'>
  /** Settles when every block that the heads count is where `blocks` reads. */
  flushed(): Promise<void>
  /** The events that a block stands for, with the state as it is now. */
  eventsOf(block: Block): Omit<EventView, 'cursor' | 'time'>[]
}

export type EventFeed = {
  /** Tells all readers; the data is made only if there is one. */
  emit(event: () => Omit<EventView, 'cursor' | 'time'> | undefined): void
  read(query: { since?: string; signal: AbortSignal }): AsyncIterable<FeedEvent>
  readers(): number
}

type Reader = { queue: FeedEvent[]; wake: () => void }

export function createEventFeed(components: FeedComponents): EventFeed {
  const readers = new Set<Reader>()
  let cached: { heads: readonly Head[]; cursor: string } | undefined

  const cursorNow = (): string => {
    const heads = components.heads()
    if (cached?.heads !== heads) cached = { heads, cursor: encodeCursor(heads) }
    return cached.cursor
  }
  const push = (reader: Reader, event: FeedEvent): void => {
    if (reader.queue.length >= QUEUE_MAX) reader.queue = [{ type: 'resync' }]
    reader.queue.push(event)
    reader.wake()
  }
  const missed = async function* (since: string): AsyncIterable<FeedEvent> {
    const seen = decodeCursor(since)
    if (seen === undefined) return yield { type: 'resync' }
    const cursor = cursorNow()
    const heads = components.heads()
    await components.flushed()
    for (const [author, epoch, seq] of heads) {
      const from = seen(author, epoch) + 1
      if (from > seq) continue
      let reached = from - 1
      for await (const sealed of components.blocks.read(author, epoch, from)) {
        const block = decodeOwnBlock(sealed.body)
        reached = block.seq
        for (const event of components.eventsOf(block)) yield { ...event, time: components.wallMs(), cursor: since }
        if (reached >= seq) break
      }
      if (reached < seq) yield { type: 'resync' }
    }
    // The gap is closed: from here on the cursor of this node holds.
    yield { type: 'stream.caught-up', entity: 'stream', id: '', data: null, time: components.wallMs(), cursor }
  }

  return {
    readers: () => readers.size,
    emit(make) {
      if (readers.size === 0) return
      const event = make()
      if (event === undefined) return
      const full: EventView = { ...event, time: components.wallMs(), cursor: cursorNow() }
      for (const reader of readers) push(reader, full)
    },
    async *read({ since, signal }) {
      if (readers.size >= READERS_MAX) return yield { type: 'resync' }
      const reader: Reader = { queue: [], wake: () => {} }
      readers.add(reader)
      try {
        if (since !== undefined) yield* missed(since)
        while (!signal.aborted) {
          const next = reader.queue.shift()
          if (next !== undefined) yield next
          else await idle(reader, signal)
        }
      } finally {
        readers.delete(reader)
      }
    },
  }
}

function idle(reader: Reader, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done)
      reader.wake = () => {}
      resolve()
    }
    reader.wake = done
    signal.addEventListener('abort', done)
    if (signal.aborted || reader.queue.length > 0) done()
  })
}

/** The entity IDs that a block touches, each once: a block of 256 entries about one task is one event. */
export function touchedBy(block: Block): { tasks: Set<TaskId>; workers: Set<PeerId>; group: boolean } {
  const touched = { tasks: new Set<TaskId>(), workers: new Set<PeerId>(), group: false }
  for (const entry of block.entries as Record<string, unknown>[]) {
    if (entry['kind'] === 'tasks') eachOfBatch(entry as TasksRecord, block, (id) => void touched.tasks.add(id))
    else if (entry['kind'] === 'registers') expandRuns(entry['tasks'] as TaskRun[]).forEach((id) => touched.tasks.add(id))
    else if (entry['kind'] === 'task') touched.tasks.add(entry['id'] as TaskId)
    else if (entry['kind'] === 'cancel' || entry['kind'] === 'attempt' || entry['kind'] === 'register')
      touched.tasks.add(entry['task'] as TaskId)
    else if (entry['kind'] === 'profile') touched.workers.add(block.author)
    else if (entry['kind'] === 'group') touched.group = true
  }
  return touched
}
