// The post office of a node: sends, lists and marks messages for whoever asks, and keeps the limits of a sender. It writes
// through `append` alone; what it shows comes from the board.
import type { MessageRequest, MessageView } from '../../protocols/http/messages.ts'
import type { MessageId, PeerId, TaskId } from '../../protocols/ids.ts'
import { isMessageId, isTaskId } from '../../protocols/ids.ts'
import { MESSAGE_BYTES_MAX } from '../../protocols/limits.ts'
import type { MessageRecord } from '../../protocols/plan/message-records.ts'
import { idOfMessage } from '../../protocols/plan/message-records.ts'
import type { Entry } from '../../protocols/records.ts'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { Board } from './board.ts'
import type { Message, Reader } from './message.ts'

/** Unread messages of one inbox; a sender is refused beyond it. */
const UNREAD_MAX = 10_000
const UNREAD_BYTES_MAX = 16 * 1024 * 1024
const TOPICS_MAX = 1_000
/** Readers of one topic that leave marks there. */
const READERS_MAX = 1_000
/** Bodies on one page of a list; it ends early rather than grow. */
const PAGE_BYTES_MAX = 1024 * 1024
/** IDs sort by time: messages of one millisecond get later ones, in the order in which they were sent, up to this far ahead. */
const AHEAD_MS_MAX = 30_000
const ACKNOWLEDGE_MS = 1_500

/** What the post has to know of a task: who may write to whom. */
export type TaskKin = { parent?: TaskId; author: PeerId; ended: boolean }
export type PostComponents = {
  self: PeerId
  clock: Pick<Clock, 'wallMs'>
  random: Pick<Random, 'bytes'>
  board: Board
  append(entry: Entry): number
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  kinOf(task: TaskId): TaskKin | undefined
  findWorker(nameOrId: string): PeerId | undefined
  nameOf(peer: PeerId): string
  /** @throws NimbusError where this node may not write */
  assertMayWrite(deed: string): void
}

export type MessageQuery = { limit: number; cursor?: string; q?: string; topic?: string; unread: boolean }
type Durability = 'majority' | 'local'

/** `asker` is the task that asks with its own token; undefined for the operator, who stands for this worker. */
export type Post = {
  send(asker: string | undefined, request: MessageRequest): Promise<{ id: string; durability: Durability }>
  /** The asker's inbox, or a topic; oldest first. */
  list(asker: string | undefined, query: MessageQuery): { items: MessageView[]; next?: string }
  find(asker: string | undefined, id: string): MessageView | undefined
  markRead(asker: string | undefined, ids: readonly string[]): Promise<{ read: number; durability: Durability }>
  /** As the event stream tells of it: without its body. */
  headOf(message: Message): Omit<MessageView, 'body'>
}

export function createPost(components: PostComponents): Post {
  const { self, board, clock, random } = components
  let lastSentAt = 0
  const readerOf = (asker: string | undefined): Reader => (asker === undefined ? { worker: self } : { worker: self, task: asker as TaskId })
  const headOf = ({ id, author, record }: Message, reader: Reader = { worker: self }): Omit<MessageView, 'body'> => ({
    id,
    from: { worker: author, workerName: components.nameOf(author), ...(record.task === undefined ? {} : { task: record.task }) },
    to: { ...record.to, ...(record.to.worker === undefined ? {} : { workerName: components.nameOf(record.to.worker) }) },
    createdAt: record.createdAt,
    read: board.hasRead(reader, { id, author, record, bytes: 0 }),
  })
  const viewOf = (message: Message, reader: Reader): MessageView => ({
    ...headOf(message, reader),
    body: message.record.json === true ? (JSON.parse(message.record.body) as unknown) : message.record.body,
  })
  const isFor = ({ record: { to } }: Message, { worker, task }: Reader): boolean =>
    to.topic !== undefined || (task === undefined ? to.worker === worker : to.task === task)
  /** A task reads only what is its own; the operator may look into any inbox. */
  const maySee = (message: Message, asker: string | undefined): boolean => asker === undefined || isFor(message, readerOf(asker))

  return {
    headOf,
    async send(asker, request) {
      components.assertMayWrite('send messages')
      const to = addressOf(components, asker, request.to)
      const json = typeof request.body !== 'string'
      const body = json ? JSON.stringify(request.body) : (request.body as string)
      assertFits(components, to, checkedBody(body))
      const wallMs = clock.wallMs()
      lastSentAt = lastSentAt < wallMs + AHEAD_MS_MAX ? Math.max(wallMs, lastSentAt + 1) : wallMs
      const record = {
        createdAt: lastSentAt,
        nonce: random.bytes(16),
        to,
        body,
        ...(json ? { json } : {}),
        ...(asker === undefined ? {} : { task: asker as TaskId }),
      }
      const id = idOfMessage(self, record)
      return { id, durability: await components.durable(components.append({ kind: 'message', id, ...record }), ACKNOWLEDGE_MS) }
    },
    list(asker, { limit, cursor, q, topic, unread }) {
      const reader = readerOf(asker)
      const text = q?.toLowerCase()
      const found = topic === undefined ? board.inbox(reader) : board.topic(topic)
      const items: MessageView[] = []
      let bytes = 0
      for (const message of found) {
        if (cursor !== undefined && message.id <= cursor) continue
        if (unread && board.hasRead(reader, message)) continue
        if (text !== undefined && !message.record.body.toLowerCase().includes(text)) continue
        if (items.length === limit || (bytes > 0 && bytes + message.bytes > PAGE_BYTES_MAX)) return { items, next: items.at(-1)?.id ?? '' }
        items.push(viewOf(message, reader))
        bytes += message.bytes
      }
      return { items }
    },
    find(asker, id) {
      const message = isMessageId(id) ? board.find(id) : undefined
      return message === undefined || !maySee(message, asker) ? undefined : viewOf(message, readerOf(asker))
    },
    async markRead(asker, ids) {
      components.assertMayWrite('mark messages as read')
      const reader = readerOf(asker)
      const places = new Map<string | undefined, MessageId[]>()
      for (const id of new Set(ids)) {
        const message = isMessageId(id) ? board.find(id) : undefined
        // Unknown here: read before, most likely by an earlier try of this request.
        if (message === undefined) continue
        if (!isFor(message, reader)) throw notYours(message, components)
        const { topic } = message.record.to
        if (topic !== undefined) assertMayMark(board, topic, reader)
        places.set(topic, [...(places.get(topic) ?? []), message.id])
      }
      let last: number | undefined
      for (const [topic, marked] of places)
        last = components.append({
          kind: 'read',
          ids: marked,
          ...(topic === undefined ? {} : { topic }),
          ...(reader.task === undefined ? {} : { task: reader.task }),
        })
      const read = [...places.values()].reduce((sum, marked) => sum + marked.length, 0)
      return { read, durability: last === undefined ? 'majority' : await components.durable(last, ACKNOWLEDGE_MS) }
    },
  }
}

function addressOf(components: PostComponents, asker: string | undefined, to: MessageRequest['to']): MessageRecord['to'] {
  if (to.topic !== undefined) return { topic: to.topic }
  if (to.worker !== undefined) {
    const worker = components.findWorker(to.worker)
    if (worker === undefined)
      throw new NimbusError('worker-unknown', `There is no worker ${to.worker}.`, { kind: 'missing', cure: 'nimbus worker ls lists them.' })
    if (asker !== undefined && worker !== components.self && worker !== components.kinOf(asker as TaskId)?.author) throw notKin(to.worker)
    return { worker }
  }
  const task = to.task === 'parent' ? parentOf(components, asker) : (to.task ?? '')
  const kin = isTaskId(task) ? components.kinOf(task) : undefined
  if (!isTaskId(task) || kin === undefined)
    throw new NimbusError('task-unknown', `There is no task ${task}.`, { kind: 'missing', cure: 'nimbus task ls lists them.' })
  if (kin.ended)
    throw new NimbusError('task-ended', `Task ${task} has ended: it will read nothing more.`, {
      kind: 'refused',
      cure: 'Send it to a topic, or to the worker that wants to know.',
    })
  if (asker !== undefined && kin.parent !== asker && components.kinOf(asker as TaskId)?.parent !== task) throw notKin(task)
  return { task }
}

function parentOf(components: PostComponents, asker: string | undefined): string {
  const parent = asker === undefined ? undefined : components.kinOf(asker as TaskId)?.parent
  if (parent !== undefined) return parent
  const message = asker === undefined ? 'The operator has no parent task.' : `Task ${asker} was published by no task: it has no parent.`
  throw new NimbusError('no-parent', message, { kind: 'missing', cure: 'Name a worker, a task or a topic.' })
}

function notKin(addressee: string): NimbusError {
  return new NimbusError(
    'not-kin',
    `A task writes to its parent, its children, its worker, its publisher and topics; ${addressee} is none of them.`,
    {
      kind: 'refused',
      cure: 'Send it to a topic that the other one reads: --topic NAME.',
    },
  )
}

function notYours({ id, record: { to } }: Message, { nameOf }: PostComponents): NimbusError {
  const owner = to.worker === undefined ? `task ${to.task}` : `worker ${nameOf(to.worker)}`
  return new NimbusError('not-yours', `Message ${id} is addressed to ${owner}; only its reader marks it as read.`, {
    kind: 'refused',
    cure: `Do it there, as ${owner}.`,
  })
}

function checkedBody(body: string): number {
  const bytes = Buffer.byteLength(body)
  if (bytes > MESSAGE_BYTES_MAX)
    throw new NimbusError(
      'message-too-large',
      `The message is ${bytes} bytes; ${MESSAGE_BYTES_MAX} is the limit, because every member keeps it.`,
      {
        kind: 'usage',
        cure: 'Put the content into an artifact or a repository, and send its name.',
      },
    )
  if (!body.isWellFormed())
    throw new NimbusError('message-not-text', 'The message holds half of a surrogate pair, which cannot be signed.', {
      kind: 'usage',
      cure: 'Send well-formed Unicode.',
    })
  return bytes
}

function assertFits({ board, nameOf }: PostComponents, to: MessageRecord['to'], bytes: number): void {
  if (to.topic !== undefined) {
    const topics = board.topics()
    if (topics.length < TOPICS_MAX || topics.includes(to.topic)) return
    throw new NimbusError('too-many-topics', `The mesh has ${topics.length} topics already; ${TOPICS_MAX} is the limit.`, {
      kind: 'refused',
      cure: 'Use one that exists.',
    })
  }
  const load = board.load(to)
  if (load.unread < UNREAD_MAX && load.bytes + bytes <= UNREAD_BYTES_MAX) return
  const owner = to.worker === undefined ? `task ${to.task}` : `worker ${nameOf(to.worker)}`
  const held = `${load.unread} unread messages of ${load.bytes} bytes`
  throw new NimbusError('inbox-full', `The inbox of ${owner} holds ${held}; ${UNREAD_MAX} or ${UNREAD_BYTES_MAX} bytes are the limit.`, {
    kind: 'busy',
    cure: 'Wait until they are read (nimbus msg read on that side), or send to a topic.',
  })
}

function assertMayMark(board: Board, topic: string, reader: Reader): void {
  const { count, known } = board.readers(topic, reader)
  if (known || count < READERS_MAX) return
  throw new NimbusError('too-many-readers', `Topic ${topic} has marks of ${count} readers; ${READERS_MAX} is the limit.`, {
    kind: 'refused',
    cure: 'Read it without marks: keep the ID of the last message and ask with cursor=ID.',
  })
}
