// How a task enters the log: its ID first, then its record. Tasks of one call share their records. A task with a name of its own
// (a key against duplicates, a tick of a schedule) exists once in the mesh: every node derives the same ID, and who finds it there
// writes nothing.
import type { OnceName, PeerId, TaskId } from '../../protocols/ids.ts'
import { onceId, taskId } from '../../protocols/ids.ts'
import { BLOCK_BYTES_MAX, TASK_BATCH_MAX } from '../../protocols/limits.ts'
import type { Entry, TaskSpec, TasksRecord } from '../../protocols/records.ts'
import { batchTaskIds } from '../../protocols/tasks/task-runs.ts'
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
export type Draft = { id: TaskId; createdAt: number; nonce: Uint8Array /** Its place in the batch of this nonce. */; place?: number }
/** `seq` is the block of this node's log that holds the record; absent where another member wrote it. */
export type Publication = { id: TaskId; duplicate: boolean; seq?: number }
/** Who should claim these tasks first: node, its epoch, how many in a row. */
export type Spread = (spec: TaskSpec, first: TaskId, count: number) => [PeerId, number, number][]

export type Publisher = {
  drafts(names: readonly OnceName[]): Draft[]
  /** Writes the tasks, as many in one record as go into one. */
  publishAll(specs: readonly TaskSpec[], drafts: readonly Draft[], spread: Spread): Publication[]
  publish(spec: TaskSpec): Publication
  /** The fold has taken in a task. */
  folded(id: TaskId): void
}

/** Characters of the specs in one record: half a block, whatever their characters take when encoded. */
const RECORD_CHARACTERS_MAX = BLOCK_BYTES_MAX / 8

type Batch = { drafts: Draft[]; specs: Map<string, TaskSpec>; items: [string, number][]; characters: number }

export function createPublisher({ self, clock, random, fold, append }: PublisherComponents): Publisher {
  /** Own records with a name that wait for their block; as many as one block's queue holds. */
  const waiting = new Map<TaskId, number>()

  const single = (name: OnceName): Draft => {
    const createdAt = clock.wallMs()
    const nonce = random.bytes(16)
    return { id: onceId(name) ?? taskId(self, createdAt, nonce), createdAt, nonce }
  }
  const batched = (count: number): Draft[] => {
    const drafts: Draft[] = []
    while (drafts.length < count) {
      const createdAt = clock.wallMs()
      const nonce = random.bytes(16)
      const ids = batchTaskIds(self, createdAt, nonce, 0, Math.min(TASK_BATCH_MAX, count - drafts.length))
      for (const [place, id] of ids.entries()) drafts.push({ id, createdAt, nonce, place })
    }
    return drafts
  }
  const publishOnce = (spec: TaskSpec, { id, createdAt, nonce }: Draft): Publication => {
    const seq = waiting.get(id)
    if (seq !== undefined) return { id, duplicate: true, seq }
    if (fold.task(id)?.task !== undefined) return { id, duplicate: true }
    const written = append({ kind: 'task', id, createdAt, nonce, spec })
    waiting.set(id, written)
    return { id, duplicate: false, seq: written }
  }
  const publishOne = (spec: TaskSpec, draft: Draft, spread: Spread): Publication => {
    const { id, createdAt, nonce } = draft
    if (onceId(spec) === id) return publishOnce(spec, draft)
    const [preferred] = spread(spec, id, 1)
    const whom = preferred === undefined ? {} : { preferred: [preferred[0], preferred[1]] as [PeerId, number] }
    return { id, duplicate: false, seq: append({ kind: 'task', id, createdAt, nonce, spec, ...whom }) }
  }
  const write = (batch: Batch, spread: Spread): Publication[] => {
    const head = batch.drafts[0]
    if (head === undefined) return []
    const places = new Map([...batch.specs.keys()].map((text, place) => [text, place]))
    const preferred: [PeerId, number, number][] = []
    let at = 0
    for (const [text, many] of batch.items) {
      const whom = spread(batch.specs.get(text) as TaskSpec, (batch.drafts[at] as Draft).id, many)
      at += many
      preferred.push(...whom)
      // A list without gaps: from the first task on that prefers nobody, nobody is preferred.
      if (preferred.reduce((sum, [, , count]) => sum + count, 0) < at) break
    }
    const record: TasksRecord = {
      kind: 'tasks',
      createdAt: head.createdAt,
      nonce: head.nonce,
      first: head.place ?? 0,
      specs: [...batch.specs.values()],
      items: batch.items.map(([text, many]) => [places.get(text) as number, many]),
      ...(preferred.length === 0 ? {} : { preferred: joined(preferred) }),
    }
    const seq = append(record)
    return batch.drafts.map(({ id }) => ({ id, duplicate: false, seq }))
  }

  return {
    drafts(names) {
      const plain = names.filter((name) => onceId(name) === undefined)
      if (plain.length < 2) return names.map(single)
      const drafts = batched(plain.length).values()
      return names.map((name) => (onceId(name) === undefined ? (drafts.next().value as Draft) : single(name)))
    },
    publishAll(specs, drafts, spread) {
      const made: Publication[] = []
      let batch = emptyBatch()
      const flush = (): void => {
        made.push(...write(batch, spread))
        batch = emptyBatch()
      }
      for (const [at, spec] of specs.entries()) {
        const draft = drafts[at] as Draft
        if (draft.place === undefined) {
          flush()
          made.push(publishOne(spec, draft, spread))
          continue
        }
        const text = JSON.stringify(spec)
        const isNew = !batch.specs.has(text)
        if (
          batch.drafts.length > 0 &&
          (batch.drafts[0]?.nonce !== draft.nonce || (isNew && batch.characters + text.length > RECORD_CHARACTERS_MAX))
        )
          flush()
        if (!batch.specs.has(text)) {
          batch.specs.set(text, spec)
          batch.characters += text.length
        }
        batch.drafts.push(draft)
        const last = batch.items.at(-1)
        if (last?.[0] === text) last[1] += 1
        else batch.items.push([text, 1])
      }
      flush()
      return made
    },
    publish: (spec) => publishOne(spec, single(spec), () => []),
    folded: (id) => void waiting.delete(id),
  }
}

function emptyBatch(): Batch {
  return { drafts: [], specs: new Map(), items: [], characters: 0 }
}

/** Neighbours that prefer the same node become one. */
function joined(preferred: readonly [PeerId, number, number][]): [PeerId, number, number][] {
  const out: [PeerId, number, number][] = []
  for (const [node, epoch, count] of preferred) {
    const last = out.at(-1)
    if (last?.[0] === node && last[1] === epoch) last[2] += count
    else out.push([node, epoch, count])
  }
  return out
}
