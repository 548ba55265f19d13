// Joins the room of knowledge to the log and the event stream.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Library } from '../../knowledge/library.ts'
import { createKnowledge } from '../../knowledge/library.ts'
import type { Knowledge } from '../../knowledge/shelf.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import { createMayWrite } from '../plan/may-write.ts'
import type { BareEvent, Views } from '../views.ts'

export type KnowledgeWiring = {
  part: FoldPart
  eventsOf(block: Block): BareEvent[]
  open(rooms: { engine: Engine; fleet: Fleet; feed: Views['feed'] }): Library
}

export function createKnowledgeWiring({ self, clock, random }: { self: PeerId; clock: Clock; random: Random }): KnowledgeWiring {
  let tell: ((entry: Knowledge) => BareEvent) | undefined
  let emit: ((entry: Knowledge) => void) | undefined
  const room = createKnowledge((entry) => emit?.(entry))
  return {
    part: room.part,
    eventsOf: (block) =>
      (block.entries as Entry[]).flatMap((entry) => {
        const found = entry.kind === 'knowledge' ? room.find(entry.id) : undefined
        return found === undefined || tell === undefined ? [] : [tell(found)]
      }),
    open({ engine, fleet, feed }) {
      const eventOf = (entry: Knowledge): BareEvent => ({
        type: 'knowledge.added',
        entity: 'knowledge',
        id: entry.id,
        data: room.headOf(entry, fleet.nameOf),
      })
      tell = eventOf
      emit = (entry) => feed.emit(() => eventOf(entry))
      const { append, durable } = engine
      return room.open({ self, clock, random, append, durable, nameOf: fleet.nameOf, assertMayWrite: createMayWrite(self, fleet) })
    },
  }
}
