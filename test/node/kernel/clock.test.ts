import { expect, test } from 'vitest'
import { createSystemClock, repeat, sleep } from '../../../node/kernel/clock.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

test('a repeated task runs once a period, counted from the end of the last run', async () => {
  const clock = createVirtualClock()
  const runs: number[] = []
  const gates: (() => void)[] = []
  const stop = repeat(
    clock,
    100,
    () => {
      runs.push(clock.nowMs())
      return new Promise<void>((resolve) => gates.push(resolve))
    },
    () => {},
  )
  clock.advance(100)
  clock.advance(1000)
  expect(runs).toEqual([100])
  gates[0]?.()
  await settled()
  clock.advance(99)
  expect(runs).toEqual([100])
  clock.advance(1)
  expect(runs).toEqual([100, 1200])
  stop()
})

test('a repeated task that fails is told of and goes on', async () => {
  const clock = createVirtualClock()
  const errors: unknown[] = []
  let runs = 0
  const stop = repeat(
    clock,
    10,
    () => {
      runs += 1
      if (runs === 1) throw new Error('the first run fails')
    },
    (error) => errors.push(error),
  )
  clock.advance(10)
  await settled()
  clock.advance(10)
  await settled()
  expect({ runs, errors: errors.map(String) }).toEqual({ runs: 2, errors: ['Error: the first run fails'] })
  stop()
})

test('a repeated task that was stopped does not run again, not even where it is stopped while it runs', async () => {
  const clock = createVirtualClock()
  let runs = 0
  const stop = repeat(
    clock,
    () => 10,
    () => {
      runs += 1
      stop()
    },
    () => {},
  )
  clock.advance(10)
  await settled()
  clock.advance(1000)
  expect(runs).toBe(1)
})

test('sleep ends after its time on the clock that it was given', async () => {
  const clock = createVirtualClock()
  let isOver = false
  const over = sleep(clock, 50).then(() => (isOver = true))
  clock.advance(49)
  await settled()
  expect(isOver).toBe(false)
  clock.advance(1)
  await over
  expect(isOver).toBe(true)
})

test('the time of the system never goes back, and a cancelled timer does not fire', async () => {
  const clock = createSystemClock()
  const readings = Array.from({ length: 1000 }, () => clock.nowMs())
  expect(readings).toEqual(readings.toSorted((a, b) => a - b))
  const fired: string[] = []
  clock.after(1, () => fired.push('cancelled'))()
  await new Promise<void>((resolve) => {
    const hold = setInterval(() => {}, 1000) // the clock's own timers keep no process alive
    clock.after(5, () => {
      fired.push('due')
      clearInterval(hold)
      resolve()
    })
  })
  expect(fired).toEqual(['due'])
})

/** All that waits for nothing but the turn of the loop has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
