// When schedules tick, above all in the two nights in which clocks are set.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ticksOf } from '../../../node/schedules/ticks.ts'

const BERLIN = 'Europe/Berlin'
const ms = (iso: string): number => Date.parse(iso)
const times = (cron: string, from: string, count: number, timezone = BERLIN): string[] =>
  ticksOf({ cron, timezone, from: 0 })
    .after(ms(from), count)
    .map((tick) => new Date(tick).toISOString().slice(0, 16))

test('in the night in which an hour is skipped, 02:30 comes at 03:00, once', () => {
  expect(times('30 2 * * *', '2026-03-28T12:00Z', 3)).toEqual(['2026-03-29T01:00', '2026-03-30T00:30', '2026-03-31T00:30'])
})

test('in the night in which an hour comes twice, 02:30 comes the first time only', () => {
  expect(times('30 2 * * *', '2026-10-24T12:00Z', 3)).toEqual(['2026-10-25T00:30', '2026-10-26T01:30', '2026-10-27T01:30'])
})

test('lines with lists, steps or wildcards follow real time: nothing is left out and nothing comes twice', () => {
  expect(times('*/30 * * * *', '2026-03-29T00:00Z', 4)).toEqual([
    '2026-03-29T00:30',
    '2026-03-29T01:00',
    '2026-03-29T01:30',
    '2026-03-29T02:00',
  ])
  expect(times('*/30 * * * *', '2026-10-25T00:00Z', 4)).toEqual([
    '2026-10-25T00:30',
    '2026-10-25T01:00',
    '2026-10-25T01:30',
    '2026-10-25T02:00',
  ])
  expect(times('30 2,3 * * *', '2026-10-24T12:00Z', 3), '02:30 twice, then 03:30').toEqual([
    '2026-10-25T00:30',
    '2026-10-25T01:30',
    '2026-10-25T02:30',
  ])
})

test('the half hour of Lord Howe and a zone without summer time are right as well', () => {
  expect(times('15 2 * * *', '2026-10-03T00:00Z', 2, 'Australia/Lord_Howe')).toEqual(['2026-10-03T15:30', '2026-10-04T15:15'])
  expect(times('30 2 * * *', '2026-03-28T12:00Z', 2, 'UTC')).toEqual(['2026-03-29T02:30', '2026-03-30T02:30'])
})

test('a period counts from when it was added, one moment comes once', () => {
  const every = ticksOf({ everyMs: 90_000, from: 1_000 })
  expect(every.after(0, 2)).toEqual([91_000, 181_000])
  expect([every.latest(90_999), every.latest(91_000), every.latest(200_000)]).toEqual([undefined, 91_000, 181_000])
  const once = ticksOf({ atMs: 5_000, from: 1_000 })
  expect([once.after(0, 5), once.after(5_000, 5), once.latest(4_999), once.latest(9_000)]).toEqual([[5_000], [], undefined, 5_000])
})

test('the last tick up to a time is the one before the next, whatever the line', () => {
  const lines = ['*/7 * * * *', '30 2 * * *', '0 0 1 * *', '15,45 1-4 * * 6,0', '*/20 * * * * *', '@hourly']
  fc.assert(
    fc.property(
      fc.constantFrom(...lines),
      fc.constantFrom(BERLIN, 'UTC', 'America/New_York', 'Australia/Lord_Howe'),
      fc.integer({ min: ms('2026-03-01T00:00Z'), max: ms('2026-11-30T00:00Z') }),
      (cron, timezone, at) => {
        const ticks = ticksOf({ cron, timezone, from: 0 })
        const [next, later] = ticks.after(at, 2) as [number, number]
        expect(next).toBeGreaterThan(at)
        expect(ticks.latest(next)).toBe(next)
        expect(ticks.latest(later - 1)).toBe(next)
        expect(ticks.after(ticks.latest(at) as number, 1)).toEqual([next])
      },
    ),
    { numRuns: 300 },
  )
})

test.each([
  ['61 * * * *', undefined, 'Invalid value for minute: 61'],
  ['* * *', undefined, '3 fields, not five or six'],
  ['every day', undefined, 'cannot be read'],
  ['* * * * * * 2030', undefined, 'cannot be read'],
  ['', undefined, 'cannot be read'],
  ['30 2 * * *', 'Mars/Olympus', 'no time zone "Mars/Olympus"'],
  ['30 2 * * *', '', 'no time zone ""'],
])('%j in %s is refused with the reason', (cron, timezone, words) => {
  expect(() => ticksOf({ cron, ...(timezone === undefined ? {} : { timezone }), from: 0 })).toThrow(words)
})
