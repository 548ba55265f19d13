// Which seats a group wants, and the one step at a time by which it gets there.
import { describe, expect, test } from 'vitest'
import { createSeatWatch, nextSeats, wantedSeats } from '../../../../node/tasks/claims/wanted-seats.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'
import type { PeerId } from '../../../../protocols/ids.ts'

const peers = (letters: string): PeerId[] => letters.split('') as PeerId[]

describe('the seats that a group wants', () => {
  for (const [current, keepers, here, wanted, why] of [
    ['a', 'a', '', 'a', 'alone'],
    ['a', 'ab', 'b', 'a', 'two members keep one seat'],
    ['a', 'abc', 'bc', 'abc', 'three members keep three'],
    ['a', 'abc', 'b', 'a', 'a member that is not here fills no seat'],
    ['abc', 'abcd', 'bcd', 'abc', 'four keep three'],
    ['abc', 'abcde', 'bcde', 'abcde', 'five keep five'],
    ['abcde', 'abcdefg', 'bcdefg', 'abcde', 'five is the most'],
    ['abc', 'ab', 'b', 'a', 'who left loses its seat, and an even rest is cut'],
    ['abc', 'bcd', 'bcd', 'bcd', 'another takes the seat of the one that left'],
    ['abc', 'abc', '', 'abc', 'who sits keeps its seat while it is away'],
  ] as const) {
    test(`${why}: ${current} becomes ${wanted}`, () => {
      expect(wantedSeats(peers(current), peers(keepers), (peer) => here.includes(peer)).join('')).toBe(wanted)
    })
  }
})

describe('a seat that stays dead', () => {
  for (const [current, keepers, here, dead, wanted, why] of [
    ['abc', 'abc', 'b', 'c', 'abc', 'keeps its seat where nobody could take it'],
    ['abc', 'abcd', 'bd', 'c', 'abd', 'gives it to a member that is here'],
    ['abcd', 'abcd', 'bd', 'c', 'abd', 'goes once the other one sits'],
    ['abcde', 'abcdef', 'bcf', 'de', 'abcfd', 'gives it up one at a time'],
    ['abcdef', 'abcdef', 'bcf', 'de', 'abcfd', 'is the one that goes, not the newcomer'],
    ['abc', 'abcd', 'd', 'bc', 'adb', 'and another one: who comes takes one of the two places'],
  ] as const) {
    test(`${why}: ${current} becomes ${wanted}`, () => {
      const is = (list: string) => (peer: PeerId) => list.includes(peer)
      expect(wantedSeats(peers(current), peers(keepers), is(here), is(dead)).join('')).toBe(wanted)
    })
  }

  test('counts as dead after a silence without a break, and no longer when it is back', () => {
    const clock = createVirtualClock()
    const linked = new Set(peers('ab'))
    const watch = createSeatWatch(clock, (peer) => linked.has(peer), 300_000)
    const [, b, c] = peers('abc') as [PeerId, PeerId, PeerId]
    const look = (ms: number): void => (clock.advance(ms), watch.look(peers('abc')))
    look(0)
    look(299_999)
    expect([watch.isDead(b), watch.isDead(c)]).toEqual([false, false])
    look(1)
    expect([watch.isDead(b), watch.isDead(c)]).toEqual([false, true])
    linked.add(c)
    look(1)
    linked.delete(c)
    look(1)
    expect(watch.isDead(c)).toBe(false)
  })
})

describe('the next step', () => {
  test('adds before it removes, one seat at a time, and rests where nothing is to change', () => {
    expect(nextSeats(peers('a'), peers('abc'))?.join('')).toBe('ab')
    expect(nextSeats(peers('abc'), peers('bcd'))?.join('')).toBe('abcd')
    expect(nextSeats(peers('abcd'), peers('bcd'))?.join('')).toBe('bcd')
    expect(nextSeats(peers('abcdef'), peers('abcdg'))?.join('')).toBe('abcdf')
    expect(nextSeats(peers('abc'), peers('cab'))).toBeUndefined()
  })
})
