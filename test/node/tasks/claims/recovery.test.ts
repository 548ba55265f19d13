// What a recovery makes of versions and registers: everything newer than before, and the newest that anybody knew is kept.
import { expect, test } from 'vitest'
import type { RegisterValue } from '../../../../protocols/records.ts'
import type { Ballot } from '../../../../protocols/streams.ts'
import { compareBallots } from '../../../../node/tasks/claims/ballots.ts'
import { generationOf, lifted, recoveredVersion, reseeded } from '../../../../node/tasks/claims/recovery.ts'
import { registerValues, TASK } from '../../../protocols/samples.ts'
import { alice, bob } from '../../../protocols/samples.ts'

const held = registerValues['held']!
const at = (version: number): RegisterValue => ({ ...held, version })

test('a recovered version is above all that its generation could reach, also after another recovery', () => {
  expect(generationOf(17)).toBe(0)
  for (const random of [0, 0.5, 0.999999]) {
    const first = recoveredVersion(17, random)
    expect(generationOf(first)).toBe(1)
    expect(generationOf(first + 1_000)).toBe(1)
    expect(generationOf(recoveredVersion(first + 1_000, random))).toBe(2)
  }
})

test('of what a seat accepted and what the log tells the newer value stays, and ballots follow the versions', () => {
  const [mine] = reseeded(
    [{ task: TASK, register: { promised: [9, bob.peerId], accepted: { ballot: [7, bob.peerId], value: at(3) } } }],
    [[TASK, at(2)]],
    1,
  )
  const [theirs] = reseeded([], [[TASK, at(2)]], 1)
  expect(mine?.register.accepted?.value).toEqual(at(3))
  expect(theirs?.register.accepted?.value).toEqual(at(2))
  expect(compareBallots(mine!.register.promised, theirs!.register.promised)).toBeGreaterThan(0)
  // Of one version, the ballot under which it was accepted still decides.
  const [later] = reseeded(
    [{ task: TASK, register: { promised: [8, alice.peerId], accepted: { ballot: [8, alice.peerId], value: at(3) } } }],
    [],
    1,
  )
  expect(compareBallots(later!.register.promised, mine!.register.promised)).toBeGreaterThan(0)
  const [next] = reseeded([{ task: TASK, register: theirs!.register }], [], 2)
  expect(compareBallots(next!.register.promised, later!.register.promised)).toBeGreaterThan(0)
  expect(Number.isSafeInteger(next!.register.promised[0])).toBe(true)
})

test('of one version what was chosen goes before what was only accepted, here and against other seats', () => {
  const rival: RegisterValue = { ...at(3), epoch: held.epoch + 1 }
  const ballot: Ballot = [9_999, bob.peerId]
  const accepted = { task: TASK, register: { promised: ballot, accepted: { ballot, value: rival } } }
  const [knows] = reseeded([accepted], [[TASK, at(3)]], 1)
  const [only] = reseeded([accepted], [], 1)
  expect(knows?.register.accepted?.value).toEqual(at(3))
  expect(only?.register.accepted?.value).toEqual(rival)
  expect(compareBallots(knows!.register.promised, only!.register.promised)).toBeGreaterThan(0)
  const seen: RegisterValue[] = []
  lifted((current) => (seen.push(current), { refused: 'held' }), 1, at(3))(rival)
  expect(seen).toEqual([at(3)])
})

test('a change in a recovered group builds on the newest that is known and is newer than all of before', () => {
  const decide = (current: RegisterValue): RegisterValue => ({ ...current, version: current.version + 1 })
  expect(lifted(decide, 0, at(9))(at(2))).toEqual(at(3))
  expect(lifted(decide, 1, at(9))(at(2))).toEqual(at(1_000_010))
  expect(lifted(decide, 1, at(2))(at(1_000_010))).toEqual(at(1_000_011))
  expect(lifted(() => ({ refused: 'held' }), 1, at(9))(at(2))).toEqual({ refused: 'held' })
})
