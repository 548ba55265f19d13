// The hand on the turn where the keepers cannot be reached for a while: what is given back is given back until they know, and what is taken
// after that stays.
import { expect, test } from 'vitest'
import type { NameKey, PeerId } from '../../../protocols/ids.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { Change, Decide } from '../../../node/tasks/claims/proposer.ts'
import type { Operation } from '../../../node/tasks/names/sums.ts'
import { turnOf } from '../../../node/upgrade/turn.ts'
import { createTurnHolder } from '../../../node/wiring/upgrade/turn-holder.ts'
import { until } from '../../support/until.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const SELF = 'self' as PeerId

/** A register behind a majority that answers or not; what was asked without an answer may have been done. */
function stand() {
  const clock = createVirtualClock()
  let value: RegisterValue = { version: 0, epoch: 0, state: 'free', attempt: 0 }
  const world = { reachable: true, asked: 0, doneUnheard: false }
  const operate = async (_key: NameKey, make: (operation: Operation) => Decide): Promise<Change> => {
    world.asked += 1
    const next: RegisterValue | { refused: string } = make([SELF, 1, world.asked])(value)
    if (!world.reachable && !world.doneUnheard) return { unreachable: 'nobody' }
    if ('refused' in next) return world.reachable ? { refused: next.refused as string, current: value } : { unreachable: 'nobody' }
    value = next
    return world.reachable ? { changed: next } : { unreachable: 'nobody' }
  }
  const holder = createTurnHolder({
    self: SELF,
    clock,
    // What this node knows of the register is older than the register.
    names: { operate, newest: () => undefined, newestSinceMs: () => 0 },
    facts: { isMember: () => true, isAlive: () => true, nameOf: (peer) => peer },
  })
  return { clock, world, holder, turn: () => turnOf(value) }
}

test.each([false, true])('a release that nobody answers is repeated until the keepers know (done unheard: %s)', async (doneUnheard) => {
  const { clock, world, holder, turn } = stand()
  expect(await holder.take('a')).toBeUndefined()
  expect(turn()).toMatchObject({ node: SELF, commit: 'a' })
  Object.assign(world, { reachable: false, doneUnheard })
  const released = holder.release()
  const taken = holder.take('b')
  await until(() => world.asked >= 2)
  world.reachable = true
  await until(() => (clock.advance(500), world.asked >= 4))
  await released
  expect(await taken).toBeUndefined()
  // Had the release been repeated after that, it would be gone.
  expect(turn()).toMatchObject({ node: SELF, commit: 'b' })
})
