// How a task enters the log: its ID first, then its record. A task with a name of its own (a key against duplicates, a tick of a
// schedule) exists once in the mesh: every node derives the same ID, and who finds it there writes nothing.
import type { OnceName, PeerId, TaskId } from '../../protocols/ids.ts'
import { onceId, taskId } from '../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../protocols/records.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'
import type { Fold } from './fold/fold.ts'

export type PublisherComponents = {
  self: PeerId
  clock: Pick<Clock, 'wallMs'>
  random: Random
  fold: Pick<Fold, 'task'>
  append(entry: Entry): number
}

/** A task that has its ID already: the specs of a graph name each other before any of them is signed. */
export type Draft = { id: TaskId; createdAt: number; nonce: Uint8Array }
/** `seq` is the block of this node's log that holds the record; absent where another member wrote it. */
export type Publication = { id: TaskId; duplicate: boolean; seq?: number }

export type Publisher = {
  draft(name: OnceName): Draft
  /** @param preferred who should claim it first: the node and its epoch */
  publish(spec: TaskSpec, draft?: Draft, preferred?: (id: TaskId) => [PeerId, number] | undefined): Publication
  /** The fold has taken in a task. */
  folded(id: TaskId): void
}

export function createPublisher({ self, clock, random, fold, append }: PublisherComponents): Publisher {
  /** Own records with a name that wait for their block; as many as one block's queue holds. */
  const waiting = new Map<TaskId, number>()

  const draft = (name: OnceName): Draft => {
    const createdAt = clock.wallMs()
    const nonce = random.bytes(16)
    return { id: onceId(name) ?? taskId(self, createdAt, nonce), createdAt, nonce }
  }
  return {
    draft,
    publish(spec, drafted = draft(spec), preferredFor = () => undefined) {
      const { id, createdAt, nonce } = drafted
      const once = onceId(spec) === id
      if (once) {
        const seq = waiting.get(id)
        if (seq !== undefined) return { id, duplicate: true, seq }
        if (fold.task(id)?.task !== undefined) return { id, duplicate: true }
      }
      const preferred = once ? undefined : preferredFor(id)
      const seq = append({ kind: 'task', id, createdAt, nonce, spec, ...(preferred === undefined ? {} : { preferred }) })
      if (once) waiting.set(id, seq)
      return { id, duplicate: false, seq }
    },
    folded: (id) => void waiting.delete(id),
  }
}
