// Book and desk of services without a mesh: what one node writes comes back to it as a block of its own, and tasks are only noted.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../../protocols/records.ts'
import type { ServiceBook } from '../../../node/services/book.ts'
import { createServiceBook } from '../../../node/services/book.ts'
import type { ServiceDesk, ServiceDeskComponents } from '../../../node/services/desk.ts'
import { createServiceDesk } from '../../../node/services/desk.ts'
import type { Holding } from '../../../node/services/service-view.ts'
import { blockOf } from '../messages/post-office.ts'

export type ServiceRoom = {
  book: ServiceBook
  desk: ServiceDesk
  append(entry: Entry): number
  entries: Entry[]
  tasks: TaskSpec[]
  holdings: Map<TaskId, Holding>
}

export function createServiceRoom(self: PeerId, over: Partial<ServiceDeskComponents> = {}): ServiceRoom {
  const entries: Entry[] = []
  const tasks: TaskSpec[] = []
  const holdings = new Map<TaskId, Holding>()
  const book = createServiceBook(() => {})
  const append = (entry: Entry): number => {
    const block: Block = blockOf(self, entries.length + 1, Date.now() * 1024 + entries.length, [entry])
    entries.push(entry)
    book.part.apply(entry, block)
    return block.seq
  }
  const desk = createServiceDesk({
    self,
    book,
    append,
    durable: async () => 'majority',
    publishOnce(spec) {
      tasks.push(spec)
      return {}
    },
    holding: (task) => holdings.get(task),
    findWorker: (name) => (name === 'box' ? self : undefined),
    filesOf: () => [],
    nameOf: (peer) => (peer === self ? 'box' : peer.slice(-4)),
    assertMayWrite() {},
    ...over,
  })
  return { book, desk, append, entries, tasks, holdings }
}
