// All knowledge that this member has, as a part of the fold: the newest entries, up to a number and a size. It takes in what was
// signed and never decides.
import type { Block } from '../../protocols/blocks.ts'
import type { KnowledgeRecord } from '../../protocols/agents/knowledge.ts'
import { idOfKnowledge } from '../../protocols/agents/knowledge.ts'
import type { KnowledgeId, PeerId } from '../../protocols/ids.ts'
import { timeOfId } from '../../protocols/ids.ts'
import { FUTURE_MS_MAX } from '../../protocols/limits.ts'
import type { Entry } from '../../protocols/records.ts'
import { hlcToMs } from '../kernel/hlc.ts'
import { createNewest } from '../replication/newest.ts'
import type { FoldPart } from '../tasks/fold/fold.ts'

/** Every member keeps all of it in memory. */
const KEPT_MAX = 5_000
const KEPT_BYTES_MAX = 16 * 1024 * 1024

export type Knowledge = { id: KnowledgeId; author: PeerId; record: KnowledgeRecord }
export type Shelf = {
  part: FoldPart
  find(id: KnowledgeId): Knowledge | undefined
  /** Newest first. */
  all(): Knowledge[]
}

/** @param on hears of each entry that comes and each that goes */
export function createShelf(on: { added(entry: Knowledge): void; removed(id: KnowledgeId): void }): Shelf {
  const newest = createNewest<KnowledgeId>({ count: KEPT_MAX, bytes: KEPT_BYTES_MAX })
  const entries = new Map<KnowledgeId, Knowledge>()
  const put = (record: KnowledgeRecord, block: Block): void => {
    const { id } = record
    // An ID from the future would push others out before their time.
    if (idOfKnowledge(block.author, record) !== id || timeOfId(id) > hlcToMs(block.hlc) + FUTURE_MS_MAX) return
    const out = newest.add(id, Buffer.byteLength(record.text))
    if (out === undefined || out.includes(id)) return out?.forEach(drop)
    const entry = { id, author: block.author, record }
    entries.set(id, entry)
    out.forEach(drop)
    on.added(entry)
  }
  const drop = (id: KnowledgeId): void => {
    if (entries.delete(id)) on.removed(id)
  }
  return {
    part: {
      kinds: ['knowledge'],
      apply: (entry, block) => put(entry as Extract<Entry, { kind: 'knowledge' }>, block),
      state: () => [newest.floor(), [...entries.keys()].sort()],
    },
    find: (id) => entries.get(id),
    all: () => [...entries.values()].sort((a, b) => (a.id < b.id ? 1 : -1)),
  }
}
