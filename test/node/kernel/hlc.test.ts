import { expect, test } from 'vitest'
import { createHlc, hlcToMs } from '../../../node/kernel/hlc.ts'

test('readings grow, also while the wall clock stands still or goes back', () => {
  let wallMs = 1_700_000_000_000
  const hlc = createHlc({ wallMs: () => wallMs })
  const readings = [hlc.next(), hlc.next()]
  wallMs -= 60_000
  readings.push(hlc.next())
  wallMs += 120_000
  readings.push(hlc.next())
  expect(readings).toEqual([...new Set(readings)].toSorted((a, b) => a - b))
  expect(hlcToMs(readings.at(-1) ?? 0)).toBe(wallMs)
})

test('what follows a witnessed reading is greater than it, and an old one changes nothing', () => {
  const hlc = createHlc({ wallMs: () => 1000 })
  const ahead = 5000 * 1024
  hlc.witness(ahead)
  hlc.witness(3)
  expect(hlc.next()).toBe(ahead + 1)
})

test('readings stay exact integers for centuries', () => {
  const hlc = createHlc({ wallMs: () => Date.UTC(2200, 0) })
  expect(Number.isSafeInteger(hlc.next())).toBe(true)
  expect(hlcToMs(hlc.next())).toBe(Date.UTC(2200, 0))
})
