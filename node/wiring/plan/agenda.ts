// Joins the rooms of messages and schedules to the queue: their parts of the fold are there before the engine is, the rest
// once it runs.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../../protocols/records.ts'
import type { MessagesPort, SchedulesPort } from '../../api/ports.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import { createBoard } from '../../messages/board.ts'
import type { Message } from '../../messages/message.ts'
import { createPost } from '../../messages/post.ts'
import { createBook } from '../../schedules/book.ts'
import { createDesk } from '../../schedules/desk.ts'
import { createTicker } from '../../schedules/ticker.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart, TaskState } from '../../tasks/fold/fold.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from './may-write.ts'
import type { BareEvent, Views } from '../views.ts'

export type Agenda = {
  parts: readonly FoldPart[]
  eventsOf(block: Block): BareEvent[]
  /** The engine has read its blocks: from here on events are told. */
  open(rooms: { engine: Engine; fleet: Fleet; feed: Views['feed'] }): { messages: MessagesPort; schedules: SchedulesPort }
  /** What the tasks of schedules will ask for. */
  plans(): Iterable<TaskSpec>
  noteTask(state: TaskState): void
  start(): void
  stop(): void
}

export type AgendaComponents = {
  self: PeerId
  clock: Clock
  random: Random
  /** Whether the peer is a member that may publish, now. */
  mayPublish(peer: PeerId): boolean
  onError(error: unknown): void
}

export function createAgenda({ self, clock, random, mayPublish, onError }: AgendaComponents): Agenda {
  let opened: Opened | undefined
  const board = createBoard((message) => opened?.tellMessage(message))
  const book = createBook((name) => opened?.tellSchedule(name))
  return {
    parts: [board.part, book.part],
    eventsOf: (block) => (block.entries as Entry[]).flatMap((entry) => opened?.eventOf(entry) ?? []),
    open({ engine, fleet, feed }) {
      const assertMayWrite = createMayWrite(self, fleet)
      const { append, durable } = engine
      const post = createPost({
        self,
        clock,
        random,
        board,
        append,
        durable,
        assertMayWrite,
        kinOf(task) {
          const state = engine.fold.task(task)
          if (state?.task === undefined) return undefined
          const { author, spec } = state.task
          return { author, ended: state.value.state === 'settled', ...(spec.parent === undefined ? {} : { parent: spec.parent }) }
        },
        findWorker: fleet.find,
        nameOf: fleet.nameOf,
      })
      const ticker = createTicker({
        self,
        clock,
        book,
        append,
        mayPublish,
        onError,
        publishOnce: engine.publishOnce,
        task: engine.fold.task,
        writers: () => fleet.offers().flatMap(({ node, alive, mayRun }) => (alive && mayRun ? [node] : [])),
        nameOf: fleet.nameOf,
      })
      const desk = createDesk({
        clock,
        book,
        append,
        durable,
        mayPublish,
        assertMayWrite,
        lastTick: ticker.lastTick,
        hasTask: (id) => engine.fold.task(id)?.task !== undefined,
        nameOf: fleet.nameOf,
      })
      const messageEvent = (message: Message): BareEvent => ({
        type: 'message.received',
        entity: 'message',
        id: message.id,
        data: post.headOf(message),
      })
      const scheduleEvent = (name: string): BareEvent => ({
        type: 'schedule.updated',
        entity: 'schedule',
        id: name,
        data: desk.find(name) ?? { name, state: 'removed' },
      })
      const tellSchedule = (name: string): void => feed.emit(() => scheduleEvent(name))
      opened = {
        ticker,
        tellMessage: (message) => feed.emit(() => messageEvent(message)),
        tellSchedule(name) {
          ticker.changed(name)
          tellSchedule(name)
        },
        tellTick: tellSchedule,
        eventOf(entry) {
          const message = entry.kind === 'message' ? board.find(entry.id) : undefined
          if (message !== undefined) return messageEvent(message)
          return entry.kind === 'schedule' || entry.kind === 'schedule-pause' ? scheduleEvent(entry.name) : undefined
        },
      }
      for (const state of engine.fold.tasks()) ticker.noteTask(state)
      return { messages: post, schedules: desk }
    },
    plans: () => book.all().map(({ plan }) => plan.spec),
    noteTask(state) {
      const name = opened?.ticker.noteTask(state)
      if (name !== undefined) opened?.tellTick(name)
    },
    start: () => opened?.ticker.start(),
    stop: () => opened?.ticker.stop(),
  }
}

/** What is there once the engine has read its blocks. */
type Opened = {
  ticker: ReturnType<typeof createTicker>
  tellMessage(message: Message): void
  tellSchedule(name: string): void
  tellTick(name: string): void
  eventOf(entry: Entry): BareEvent | undefined
}
