// Knowledge as a node offers it: add, find, list, search. It writes through `append` alone; what it shows comes from the shelf.
import type { AddedKnowledge, KnowledgeRequest, KnowledgeView } from '../../protocols/agents/knowledge-views.ts'
import { idOfKnowledge } from '../../protocols/agents/knowledge.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { isKnowledgeId } from '../../protocols/ids.ts'
import { KNOWLEDGE_BYTES_MAX } from '../../protocols/limits.ts'
import type { Entry } from '../../protocols/records.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { Knowledge, Shelf } from './shelf.ts'
import { createShelf } from './shelf.ts'
import type { TextIndex } from './text-index.ts'
import { createTextIndex, wordsOf } from './text-index.ts'

export type KnowledgeQuery = { limit: number; cursor?: string; q?: string; tag?: string }
export type LibraryComponents = {
  self: PeerId
  clock: Pick<Clock, 'wallMs'>
  random: Pick<Random, 'bytes'>
  append(entry: Entry): number
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  nameOf(peer: PeerId): string
  /** @throws NimbusError where this node may not write */
  assertMayWrite(deed: string): void
}

export type Library = {
  /** @param asker the task that writes it; undefined for a person */
  add(asker: string | undefined, request: KnowledgeRequest): Promise<AddedKnowledge>
  find(id: string): KnowledgeView | undefined
  /** Newest first; with `q` the best first, and all on one page. */
  list(query: KnowledgeQuery): Promise<{ items: KnowledgeView[]; next?: string }>
}
export type KnowledgeRoom = {
  part: Shelf['part']
  open(components: LibraryComponents): Library
  /** As the event stream tells of it: without its text. */
  headOf(entry: Knowledge, nameOf: (peer: PeerId) => string): KnowledgeView
  find: Shelf['find']
}

const ACKNOWLEDGE_MS = 1_500

/** @param onAdded hears of each entry when it is taken in for the first time */
export function createKnowledge(onAdded: (entry: Knowledge) => void): KnowledgeRoom {
  let index: Promise<TextIndex> | undefined
  const textOf = ({ id, record: { title, text, tags } }: Knowledge) => ({ id, title, text, tags })
  const shelf = createShelf({
    added(entry) {
      void index?.then((made) => made.add(textOf(entry)))
      onAdded(entry)
    },
    removed: (id) => void index?.then((made) => made.remove(id)),
  })
  const indexed = (): Promise<TextIndex> => {
    // What comes from here on is added by the shelf: the order of both is that of these promises.
    index ??= createTextIndex().then((made) => {
      for (const entry of shelf.all()) made.add(textOf(entry))
      return made
    })
    return index
  }
  const headOf: KnowledgeRoom['headOf'] = ({ id, author, record }, nameOf) => ({
    id,
    title: record.title,
    tags: record.tags,
    by: { worker: author, workerName: nameOf(author), ...(record.task === undefined ? {} : { task: record.task }) },
    createdAt: record.createdAt,
  })
  return {
    part: shelf.part,
    headOf,
    find: shelf.find,
    open: (components) => openLibrary(components, { shelf, indexed, headOf: (entry) => headOf(entry, components.nameOf) }),
  }
}

function openLibrary(
  components: LibraryComponents,
  { shelf, indexed, headOf }: { shelf: Shelf; indexed(): Promise<TextIndex>; headOf(entry: Knowledge): KnowledgeView },
): Library {
  const { self, clock, random } = components
  const hasTag = (entry: Knowledge | undefined, tag: string | undefined): entry is Knowledge =>
    entry !== undefined && (tag === undefined || entry.record.tags.includes(tag))
  return {
    async add(asker, { title, text, tags }) {
      components.assertMayWrite('add knowledge')
      assertSize(text)
      const record = {
        createdAt: clock.wallMs(),
        nonce: random.bytes(16),
        title,
        text,
        tags: [...new Set(tags)],
        ...(asker === undefined ? {} : { task: asker as TaskId }),
      }
      const id = idOfKnowledge(self, record)
      return { id, durability: await components.durable(components.append({ kind: 'knowledge', id, ...record }), ACKNOWLEDGE_MS) }
    },
    find(id) {
      const entry = isKnowledgeId(id) ? shelf.find(id) : undefined
      return entry === undefined ? undefined : { ...headOf(entry), text: entry.record.text }
    },
    async list({ limit, cursor, q, tag }) {
      if (q !== undefined) {
        const hits = (await indexed()).search(wordsOf(q), tag === undefined ? limit : KEPT_LOOK)
        const found = hits.flatMap(({ id, excerpt }) => {
          const entry = shelf.find(id)
          return hasTag(entry, tag) ? [{ ...headOf(entry), excerpt }] : []
        })
        return { items: found.slice(0, limit) }
      }
      const rest = shelf.all().filter((entry) => (cursor === undefined || entry.id < cursor) && hasTag(entry, tag))
      const items = rest.slice(0, limit).map(headOf)
      return { items, ...(rest.length > limit ? { next: items.at(-1)?.id ?? '' } : {}) }
    },
  }
}

/** Hits that are looked through for a tag. */
const KEPT_LOOK = 500

function assertSize(text: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes <= KNOWLEDGE_BYTES_MAX) return
  throw new NimbusError(
    'knowledge-too-large',
    `The text is ${bytes} bytes; ${KNOWLEDGE_BYTES_MAX} is the limit, because every member keeps it.`,
    {
      kind: 'usage',
      cure: 'Put the whole into an artifact or a repository, and what matters of it here.',
    },
  )
}
