// Book and desk of schedules without a mesh: what one node writes comes back to it as a block of its own.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { Book } from '../../../node/schedules/book.ts'
import { createBook } from '../../../node/schedules/book.ts'
import type { Desk, DeskComponents } from '../../../node/schedules/desk.ts'
import { createDesk } from '../../../node/schedules/desk.ts'
import { blockOf } from '../messages/post-office.ts'

export type ScheduleRoom = { book: Book; desk: Desk; append(entry: Entry): number; blocks: Block[] }

export function createScheduleRoom(self: PeerId, over: Partial<DeskComponents> & { onChange?: (name: string) => void } = {}): ScheduleRoom {
  const blocks: Block[] = []
  const clock = over.clock ?? { wallMs: Date.now }
  const book = createBook(over.onChange ?? (() => {}))
  const append = (entry: Entry): number => {
    const block = blockOf(self, blocks.length + 1, clock.wallMs() * 1024 + blocks.length, [entry])
    blocks.push(block)
    book.part.apply(entry, block)
    return block.seq
  }
  const desk = createDesk({
    clock,
    book,
    append,
    durable: async () => 'majority',
    lastTick: () => undefined,
    hasTask: () => false,
    mayPublish: () => true,
    nameOf: (peer) => (peer === self ? 'box' : peer.slice(-4)),
    assertMayWrite() {},
    ...over,
  })
  return { book, desk, append, blocks }
}
