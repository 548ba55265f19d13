// A desk for tokens with a book of its own, whose entries reach it at once, as one member signs them.
import type { Block } from '../../../../protocols/blocks.ts'
import type { PeerId } from '../../../../protocols/ids.ts'
import type { Entry } from '../../../../protocols/records.ts'
import type { Clock } from '../../../../node/kernel/clock.ts'
import { createSystemClock } from '../../../../node/kernel/clock.ts'
import { createHlc } from '../../../../node/kernel/hlc.ts'
import { createSystemRandom } from '../../../../node/kernel/random.ts'
import type { TokenBook } from '../../../../node/tasks/tokens/token-book.ts'
import { createTokenBook } from '../../../../node/tasks/tokens/token-book.ts'
import type { TokenDesk } from '../../../../node/tasks/tokens/token-desk.ts'
import { createTokenDesk } from '../../../../node/tasks/tokens/token-desk.ts'

export type TokenRoom = {
  desk: TokenDesk
  book: TokenBook
  log: { entry: Entry; block: Block }[]
  take(one: { entry: Entry; block: Block }): void
}

/** @param others rooms that take in at once what this one writes */
export function createTokenRoom(
  self: PeerId,
  {
    clock = createSystemClock(),
    isAdmin = () => true,
    others = [],
  }: { clock?: Clock; isAdmin?: (peer: PeerId) => boolean; others?: TokenRoom[] } = {},
): TokenRoom {
  const hlc = createHlc(clock)
  const log: TokenRoom['log'] = []
  const book = createTokenBook((id) => desk.noteRevoked(id))
  const take: TokenRoom['take'] = ({ entry, block }) => book.part.apply(entry, block)
  const desk: TokenDesk = createTokenDesk({
    self,
    clock,
    random: createSystemRandom(),
    book,
    append(entry) {
      const one = {
        entry,
        block: { v: 1, author: self, epoch: 1, seq: log.length + 1, prev: new Uint8Array(32), hlc: hlc.next(), entries: [entry] } as Block,
      }
      log.push(one)
      for (const room of [{ take }, ...others]) room.take(one)
      return log.length
    },
    durable: async () => 'majority',
    nameOf: (peer) => `name of ${peer.slice(-4)}`,
    isAdmin,
    assertMayWrite: () => {},
    onError(error) {
      throw error
    },
  })
  return { desk, book, log, take }
}
