// A topic: its newest messages, and for each reader which of them it has read. Pure, like the inbox.
import type { MessageId } from '../../protocols/ids.ts'
import type { Message } from './message.ts'
import { createNewest } from '../replication/newest.ts'

/** What a topic keeps for those who come later. */
const KEPT_MAX = 1_000
const KEPT_BYTES_MAX = 8 * 1024 * 1024
/** Marks below the floor go together: a look at all readers for each message would cost more than they do. */
const PRUNE_EACH = 256

export type Topic = {
  /** @returns whether it is new here */
  put(message: Message): boolean
  mark(reader: string, id: MessageId): void
  hasRead(reader: string, id: MessageId): boolean
  get(id: MessageId): Message | undefined
  messages(): IterableIterator<Message>
  isReader(reader: string): boolean
  readers(): number
  state(): unknown
}

export function createTopic(): Topic {
  const newest = createNewest<MessageId>({ count: KEPT_MAX, bytes: KEPT_BYTES_MAX })
  const messages = new Map<MessageId, Message>()
  const marks = new Map<string, Set<MessageId>>()

  let sincePruned = 0

  const prune = (): void => {
    sincePruned = 0
    for (const [reader, ids] of marks) {
      for (const id of ids) if (!newest.admits(id)) ids.delete(id)
      if (ids.size === 0) marks.delete(reader)
    }
  }
  const forget = (id: MessageId): void => {
    messages.delete(id)
    sincePruned += 1
    if (sincePruned >= PRUNE_EACH) prune()
  }
  return {
    put(message) {
      if (messages.has(message.id)) return false
      const out = newest.add(message.id, message.bytes)
      if (out === undefined) return false
      messages.set(message.id, message)
      out.forEach(forget)
      return messages.has(message.id)
    },
    mark(reader, id) {
      if (newest.admits(id)) marks.set(reader, (marks.get(reader) ?? new Set()).add(id))
    },
    hasRead: (reader, id) => marks.get(reader)?.has(id) ?? false,
    get: (id) => messages.get(id),
    messages: () => messages.values(),
    isReader: (reader) => marks.has(reader),
    readers: () => marks.size,
    state() {
      prune()
      const read = [...marks].map(([reader, ids]) => [reader, [...ids].sort()] as const)
      return [newest.floor(), [...messages.keys()].sort(), read.sort(([a], [b]) => (a < b ? -1 : 1))]
    },
  }
}
