// A post office over a board, without a mesh: what one node writes comes back to it as a block of its own.
import { randomBytes } from 'node:crypto'
import type { Block } from '../../../protocols/blocks.ts'
import { FIRST_PREV } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { Board } from '../../../node/messages/board.ts'
import { createBoard } from '../../../node/messages/board.ts'
import type { Message } from '../../../node/messages/message.ts'
import type { Post, PostComponents } from '../../../node/messages/post.ts'
import { createPost } from '../../../node/messages/post.ts'

export type PostOffice = { board: Board; post: Post; received: Message[]; blocks: Block[] }

export function createPostOffice(self: PeerId, over: Partial<PostComponents> & { wallMs?: () => number } = {}): PostOffice {
  const received: Message[] = []
  const blocks: Block[] = []
  const board = createBoard((message) => received.push(message))
  const wallMs = over.wallMs ?? Date.now
  const post = createPost({
    self,
    clock: { wallMs },
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    board,
    append(entry: Entry) {
      const block = blockOf(self, blocks.length + 1, wallMs() * 1024 + blocks.length, [entry])
      blocks.push(block)
      board.part.apply(entry, block)
      return block.seq
    },
    durable: async () => 'majority',
    kinOf: () => undefined,
    findWorker: (name) => (name === 'box' || name === self ? self : undefined),
    nameOf: (peer) => (peer === self ? 'box' : peer.slice(-4)),
    assertMayWrite() {},
    ...over,
  })
  return { board, post, received, blocks }
}

export function blockOf(author: PeerId, seq: number, hlc: number, entries: Block['entries']): Block {
  return { v: 1, author, epoch: 1, seq, prev: FIRST_PREV, hlc, entries }
}
