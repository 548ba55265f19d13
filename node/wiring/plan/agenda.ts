// Joins the rooms of messages and schedules to the queue: their parts of the fold are there before the engine is, the rest
// once it runs.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { MessagesPort } from '../../api/ports.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import { createBoard } from '../../messages/board.ts'
import type { Message } from '../../messages/message.ts'
import { createPost } from '../../messages/post.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from './may-write.ts'
import type { BareEvent, Views } from '../views.ts'

export type Agenda = {
  parts: readonly FoldPart[]
  eventsOf(block: Block): BareEvent[]
  /** The engine has read its blocks: from here on events are told. */
  open(rooms: { engine: Engine; fleet: Fleet; feed: Views['feed'] }): { messages: MessagesPort }
}

export function createAgenda({ self, clock, random }: { self: PeerId; clock: Clock; random: Random }): Agenda {
  let tell: (message: Message) => void = () => {}
  let eventOf: (message: Message) => BareEvent[] = () => []
  const board = createBoard((message) => tell(message))
  return {
    parts: [board.part],
    eventsOf: (block) =>
      (block.entries as Entry[]).flatMap((entry) => {
        const message = entry.kind === 'message' ? board.find(entry.id) : undefined
        return message === undefined ? [] : eventOf(message)
      }),
    open({ engine, fleet, feed }) {
      const post = createPost({
        self,
        clock,
        random,
        board,
        append: engine.append,
        durable: engine.durable,
        kinOf(task) {
          const state = engine.fold.task(task)
          if (state?.task === undefined) return undefined
          const { author, spec } = state.task
          return { author, ended: state.value.state === 'settled', ...(spec.parent === undefined ? {} : { parent: spec.parent }) }
        },
        findWorker: fleet.find,
        nameOf: fleet.nameOf,
        assertMayWrite: createMayWrite(self, fleet),
      })
      eventOf = (message) => [{ type: 'message.received', entity: 'message', id: message.id, data: post.headOf(message) }]
      tell = (message) => feed.emit(() => eventOf(message)[0])
      return { messages: post }
    },
  }
}
