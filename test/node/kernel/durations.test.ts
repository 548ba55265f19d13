import { expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../../node/kernel/durations.ts'

it.each([
  ['500ms', 500],
  ['30s', 30_000],
  ['15m', 900_000],
  ['1.5h', 5_400_000],
  ['7d', 604_800_000],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

it.each(['', '5', 's', '-1s', '1e3s', '5 s', '5sec', '1w', '9'.repeat(400)])('%j is not a duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

it.each([
  [0, '0ms'],
  [999, '999ms'],
  [1000, '1s'],
  [65_000, '1m 5s'],
  [3_600_000, '1h'],
  [93_784_000, '1d 2h'],
  [-5, '0ms'],
])('%i ms is shown as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text)
})
