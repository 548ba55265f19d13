// Versions side by side: what may be written, and who may move.
import { expect, test } from 'vitest'
import type { PeerId } from '../../../protocols/ids.ts'
import { mayWrite } from '../../../protocols/skew.ts'
import { canaryVerdict, type Fellow, seatObjection, skewObjection } from '../../../node/upgrade/turn.ts'

const peer = (name: string): PeerId => name as PeerId
const fellow = (name: string, more: Partial<Fellow> = {}): Fellow => ({
  peer: peer(name),
  name,
  alive: true,
  canary: false,
  commit: 'old',
  phase: 'idle',
  target: undefined,
  reason: undefined,
  ...more,
})

test('a newer kind is written only when all members know it', () => {
  const since = { newer: 2 }
  expect(mayWrite('newer', [2, 2, 3], since)).toBe(true)
  expect(mayWrite('newer', [2, 1], since)).toBe(false)
  expect(mayWrite('task', [1, 1], since)).toBe(true)
})

test('a version moves beside its neighbours alone', () => {
  expect(
    skewObjection(3, [
      { name: 'a', protocol: 2 },
      { name: 'b', protocol: 3 },
    ]),
  ).toBeUndefined()
  expect(skewObjection(3, [{ name: 'a', protocol: 1 }])).toBe('it speaks protocol 3, and a speaks 1: only neighbours understand each other')
})

test('a keeper goes only while the others are a majority; the only one may go', () => {
  const seats = ['a', 'b', 'c'].map(peer)
  expect(seatObjection(peer('a'), { seats, reachable: 3, majority: 2 })).toBeUndefined()
  expect(seatObjection(peer('a'), { seats, reachable: 2, majority: 2 })).toContain('only 2 of 3 are here')
  expect(seatObjection(peer('d'), { seats, reachable: 2, majority: 2 })).toBeUndefined()
  expect(seatObjection(peer('a'), { seats: [peer('a')], reachable: 1, majority: 1 })).toBeUndefined()
})

test('the canary is who is named so, else the first that is here; the others wait for it, and stop with it', () => {
  const three = [fellow('a'), fellow('b'), fellow('c', { canary: true })]
  expect(canaryVerdict(peer('a'), 'new', three)).toEqual({ go: false, why: 'c goes first' })
  expect(canaryVerdict(peer('c'), 'new', three)).toEqual({ go: true })
  expect(canaryVerdict(peer('b'), 'new', [fellow('a', { alive: false }), fellow('b')])).toEqual({ go: true })
  expect(canaryVerdict(peer('b'), 'new', [fellow('a', { commit: 'new', phase: 'watching', target: 'new' }), fellow('b')])).toMatchObject({
    go: false,
  })
  expect(canaryVerdict(peer('b'), 'new', [fellow('a', { commit: 'new', phase: 'done', target: 'new' }), fellow('b')])).toEqual({ go: true })
  expect(canaryVerdict(peer('b'), 'new', [fellow('a', { phase: 'rolled-back', target: 'new', reason: 'it fell' }), fellow('b')])).toEqual({
    stop: 'a took it and rolled back: it fell',
  })
  expect(canaryVerdict(peer('b'), 'new', [fellow('a', { phase: 'refused', target: 'new', reason: 'no' }), fellow('b')])).toEqual({
    stop: 'the canary a refused it: no',
  })
})
