// Joins tokens to the log: what it tells of them, who is an admin now, and the door of the API that asks.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'
import { createTokenBook } from '../../tasks/tokens/token-book.ts'
import type { TokenDesk } from '../../tasks/tokens/token-desk.ts'
import { createTokenDesk } from '../../tasks/tokens/token-desk.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import type { MemberFacts } from '../member-facts.ts'
import { createMayWrite } from '../plan/may-write.ts'

export type TokensWiring = { part: FoldPart; open(rooms: { engine: Engine; fleet: Fleet }): TokenDesk }

export function createTokens(components: {
  self: PeerId
  clock: Clock
  random: Random
  members: MemberFacts
  onError(error: unknown): void
}): TokensWiring {
  const { self, members } = components
  let desk: TokenDesk | undefined
  const book = createTokenBook((id) => desk?.noteRevoked(id))
  return {
    part: book.part,
    open({ engine, fleet }) {
      const { append, durable } = engine
      desk = createTokenDesk({
        ...components,
        book,
        append,
        durable,
        nameOf: fleet.nameOf,
        isAdmin(peer) {
          const member = members.find(peer)
          return member?.role === 'admin' && member.left !== true && member.removed !== true
        },
        assertMayWrite: createMayWrite(self, fleet),
      })
      return desk
    },
  }
}
