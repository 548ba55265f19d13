// When members are dialled again: soon and often at first, seldom after minutes, at once when the network seems to be back.
import { expect, test } from 'vitest'
import { silentLog } from '../../../node/kernel/log.ts'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import { createRedial } from '../../../node/mesh/redial.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const [A, B] = ['a', 'b'] as [PeerId, PeerId]

function createLab(members: PeerId[] = [A]) {
  const clock = createVirtualClock()
  const dials: { peer: PeerId; atMs: number }[] = []
  const redial = createRedial({
    clock,
    random: createSeededRandom(1),
    log: silentLog,
    candidates: () => members,
    linked: () => [],
    dial(peer) {
      dials.push({ peer, atMs: clock.nowMs() })
      return Promise.reject(new Error('nobody there'))
    },
  })
  /** In steps, so that a dial that failed is told before the next round. */
  const advance = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50)
      await Promise.resolve()
      await Promise.resolve()
    }
  }
  const gaps = (): number[] => dials.slice(1).map(({ atMs }, index) => atMs - (dials[index]?.atMs ?? 0))
  return { clock, redial, dials, advance, gaps }
}

test('a member that is away for a minute is tried every second or so, one that is away for long seldom', async () => {
  const lab = createLab()
  lab.redial.start()
  await lab.advance(60_000)
  expect(Math.max(...lab.gaps())).toBeLessThanOrEqual(1_750)
  expect(lab.dials.length).toBeGreaterThan(20)
  await lab.advance(600_000)
  expect(Math.max(...lab.gaps())).toBeGreaterThan(15_000)
  const before = lab.dials.length
  await lab.advance(300_000)
  expect(lab.dials.length - before).toBeLessThan(25)
  lab.redial.stop()
})

test('when one link comes up, the others are tried at once, and stay as seldom as they were', async () => {
  const lab = createLab([A, B])
  lab.redial.start()
  await lab.advance(900_000)
  const before = lab.dials.length
  lab.redial.wake()
  await lab.advance(500)
  expect(new Set(lab.dials.slice(before).map(({ peer }) => peer))).toEqual(new Set([A, B]))
  const after = lab.dials.length
  await lab.advance(10_000)
  expect(lab.dials.length).toBe(after)
  lab.redial.stop()
})
