// Sleep of the machine, seen by two clocks.
import { expect, test } from 'vitest'
import { createSleeplessTime } from '../../../node/kernel/suspend.ts'

test('time goes on while the machine sleeps; coarse ticks and drift leave it alone', () => {
  let bootMs = 1_000
  let monotonicMs = 1_003
  const nowMs = createSleeplessTime(
    () => bootMs,
    () => monotonicMs,
  )
  expect(nowMs()).toBe(1_003)
  for (const [boot, monotonic, expected] of [
    [1_000, 1_000, 2_003],
    [110, 100, 2_103], // boot time ticks in hundredths of a second
    [5_100, 100, 7_210], // five seconds of sleep
    [100, 100, 7_310],
    [5, 10, 7_320],
  ] as const) {
    bootMs += boot
    monotonicMs += monotonic
    expect(Math.abs(nowMs() - expected), `${boot} against ${monotonic} ms`).toBeLessThan(20)
  }
})
