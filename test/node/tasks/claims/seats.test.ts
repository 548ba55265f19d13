// Which seats a group wants, and the one step at a time by which it gets there.
import { describe, expect, test } from 'vitest'
import { wantedSeats } from '../../../../node/tasks/claims/group.ts'
import { nextSeats } from '../../../../node/tasks/claims/seats.ts'
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

describe('the next step', () => {
  test('adds before it removes, one seat at a time, and rests where nothing is to change', () => {
    expect(nextSeats(peers('a'), peers('abc'))?.join('')).toBe('ab')
    expect(nextSeats(peers('abc'), peers('bcd'))?.join('')).toBe('abcd')
    expect(nextSeats(peers('abcd'), peers('bcd'))?.join('')).toBe('bcd')
    expect(nextSeats(peers('abc'), peers('cab'))).toBeUndefined()
  })
})
