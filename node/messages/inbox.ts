// Direct messages: each has one reader, and is gone once that reader marked it. The mark stays for a while, since it may
// arrive before the message and either may arrive again. Pure: the state is a function of the set of what came.
import type { MessageId } from '../../protocols/ids.ts'
import type { Message } from './message.ts'
import { createNewest } from '../replication/newest.ts'

/** Messages and marks that are remembered, far above what a sender may leave unread. */
const REMEMBERED_MAX = 25_000

export type Inbox = {
  /** @returns whether it is new here and unread */
  put(message: Message): boolean
  mark(id: MessageId): void
  get(id: MessageId): Message | undefined
  unread(): IterableIterator<Message>
  count(): number
  bytes(): number
  state(): unknown
}

/** @param onGone hears of each message that leaves, read or pushed out */
export function createInbox(onGone: (message: Message) => void = () => {}): Inbox {
  const remembered = createNewest<MessageId>({ count: REMEMBERED_MAX, bytes: Infinity })
  const unread = new Map<MessageId, Message>()
  const marked = new Set<MessageId>()
  let bytes = 0

  const drop = (id: MessageId): void => {
    const message = unread.get(id)
    marked.delete(id)
    if (message === undefined) return
    unread.delete(id)
    bytes -= message.bytes
    onGone(message)
  }
  const remember = (id: MessageId): boolean => {
    remembered.add(id, 0)?.forEach(drop)
    return remembered.admits(id)
  }
  return {
    put(message) {
      if (marked.has(message.id) || unread.has(message.id) || !remember(message.id)) return false
      unread.set(message.id, message)
      bytes += message.bytes
      return true
    },
    mark(id) {
      if (!remember(id)) return
      drop(id)
      marked.add(id)
    },
    get: (id) => unread.get(id),
    unread: () => unread.values(),
    count: () => unread.size,
    bytes: () => bytes,
    state: () => [remembered.floor(), [...unread.keys()].sort(), [...marked].sort()],
  }
}
