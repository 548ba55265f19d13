// All messages that this member knows, as a part of the fold: inboxes of workers, inboxes of tasks, topics. It takes in what
// was signed and never decides; limits that senders must keep are the post office's (post.ts).
import type { Block } from '../../protocols/blocks.ts'
import type { MessageId, PeerId, TaskId } from '../../protocols/ids.ts'
import { timeOfId } from '../../protocols/ids.ts'
import { FUTURE_MS_MAX } from '../../protocols/limits.ts'
import type { MessageRecord } from '../../protocols/plan/message-records.ts'
import { idOfMessage } from '../../protocols/plan/message-records.ts'
import type { Entry } from '../../protocols/records.ts'
import { hlcToMs } from '../kernel/hlc.ts'
import type { FoldPart } from '../tasks/fold/fold.ts'
import type { Inbox } from './inbox.ts'
import { createInbox } from './inbox.ts'
import type { Message, Reader } from './message.ts'
import type { Topic } from './topic.ts'
import { createTopic } from './topic.ts'

export type Board = {
  part: FoldPart
  find(id: MessageId): Message | undefined
  /** Unread direct messages of a reader, oldest first. */
  inbox(reader: Reader): Message[]
  /** All kept messages of a topic, oldest first. */
  topic(name: string): Message[]
  topics(): string[]
  hasRead(reader: Reader, message: Message): boolean
  /** How full the place is where a message would go. */
  load(to: MessageRecord['to']): { unread: number; bytes: number }
  /** Readers of a topic that left marks there, and whether this one is among them. */
  readers(topic: string, reader: Reader): { count: number; known: boolean }
}

/** @param onMessage hears of each message when it is taken in for the first time */
export function createBoard(onMessage: (message: Message) => void): Board {
  const workers = new Map<PeerId, Inbox>()
  /** One for all: a task lives for minutes, and there are many. */
  const tasks = createInbox(({ id, record: { to } }) => {
    const ids = to.task === undefined ? undefined : byTask.get(to.task)
    ids?.delete(id)
    if (to.task !== undefined && ids?.size === 0) byTask.delete(to.task)
  })
  const byTask = new Map<TaskId, Set<MessageId>>()
  const topics = new Map<string, Topic>()

  const workerBox = (worker: PeerId): Inbox => made(workers, worker, createInbox)
  const topicOf = (name: string): Topic => made(topics, name, createTopic)
  const ofTask = (task: TaskId): Message[] => [...(byTask.get(task) ?? [])].flatMap((id) => tasks.get(id) ?? [])
  const put = (message: Message): boolean => {
    const { worker, task, topic } = message.record.to
    if (worker !== undefined) return workerBox(worker).put(message)
    if (topic !== undefined) return topicOf(topic).put(message)
    if (task === undefined || !tasks.put(message)) return false
    made(byTask, task, () => new Set<MessageId>()).add(message.id)
    return true
  }
  const apply = (entry: Entry, block: Block): void => {
    // An ID from the future would push others out before their time. A sender of many runs ahead by a millisecond each.
    const isOfItsTime = (id: MessageId): boolean => timeOfId(id) <= hlcToMs(block.hlc) + FUTURE_MS_MAX
    if (entry.kind === 'message') {
      if (idOfMessage(block.author, entry) !== entry.id || !isOfItsTime(entry.id)) return
      const message = { id: entry.id, author: block.author, record: entry, bytes: Buffer.byteLength(entry.body) }
      if (put(message)) onMessage(message)
    } else if (entry.kind === 'read') {
      for (const id of entry.ids.filter(isOfItsTime)) {
        if (entry.topic !== undefined) topicOf(entry.topic).mark(entry.task ?? block.author, id)
        else if (entry.task === undefined) workerBox(block.author).mark(id)
        else tasks.mark(id)
      }
    }
  }
  const find = (id: MessageId): Message | undefined => {
    const direct = tasks.get(id)
    if (direct !== undefined) return direct
    for (const place of [...workers.values(), ...topics.values()]) {
      const found = place.get(id)
      if (found !== undefined) return found
    }
    return undefined
  }
  return {
    part: {
      kinds: ['message', 'read'],
      apply: (entry, block) => apply(entry as Entry, block),
      state: () => [sorted(workers), tasks.state(), sorted(topics)],
    },
    find,
    inbox: ({ worker, task }) => inOrder(task === undefined ? [...(workers.get(worker)?.unread() ?? [])] : ofTask(task)),
    topic: (name) => inOrder([...(topics.get(name)?.messages() ?? [])]),
    topics: () => [...topics.keys()].sort(),
    hasRead: ({ worker, task }, { id, record }) =>
      record.to.topic !== undefined && (topics.get(record.to.topic)?.hasRead(task ?? worker, id) ?? false),
    load({ worker, task }) {
      if (worker !== undefined) return { unread: workers.get(worker)?.count() ?? 0, bytes: workers.get(worker)?.bytes() ?? 0 }
      if (task === undefined) return { unread: 0, bytes: 0 }
      const unread = ofTask(task)
      return { unread: unread.length, bytes: unread.reduce((sum, message) => sum + message.bytes, 0) }
    },
    readers: (name, { worker, task }) => ({
      count: topics.get(name)?.readers() ?? 0,
      known: topics.get(name)?.isReader(task ?? worker) ?? false,
    }),
  }
}

function made<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}

function inOrder(messages: Message[]): Message[] {
  return messages.sort((a, b) => (a.id < b.id ? -1 : 1))
}

function sorted(places: ReadonlyMap<string, { state(): unknown }>): unknown[] {
  return [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, place]) => [name, place.state()])
}
