import { expect, test } from 'vitest'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Presence } from '../../../protocols/presence.ts'
import type { Machine } from '../../../node/wiring/presence.ts'
import { createOwnPresence } from '../../../node/wiring/presence.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

function setUp() {
  const clock = createVirtualClock()
  const told: Presence[] = []
  const machine: Machine = { load: 0, memoryFreeMb: 8000 }
  const slots = { free: 4 }
  let looks = 0
  const presence = createOwnPresence({
    self: 'node' as PeerId,
    epoch: 1,
    clock,
    freeSlots: () => slots.free,
    tell: (status) => told.push(status),
    machine: () => (looks++, { ...machine }),
  })
  presence.start()
  return { clock, told, machine, slots, presence, looks: () => looks }
}

test('an idle node says its status once and then nothing', () => {
  const { clock, told } = setUp()
  clock.advance(600_000)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ version: 1, state: 'active', freeSlots: 4, load: 0, memoryFreeMb: 7680 })
})

test('load and memory that move around the edge of a step are told once, and a real change is told', () => {
  const { clock, told, machine } = setUp()
  for (let index = 0; index < 20; index++) {
    Object.assign(machine, index % 2 === 0 ? { load: 12, memoryFreeMb: 7690 } : { load: 13, memoryFreeMb: 7670 })
    clock.advance(10_000)
  }
  expect(told).toHaveLength(1)
  machine.load = 90
  clock.advance(10_000)
  expect(told.at(-1)).toMatchObject({ version: 2, load: 100 })
})

test('slots that change often are told together; a state is told at once', () => {
  const { clock, told, slots, presence } = setUp()
  for (const free of [3, 2, 1]) {
    slots.free = free
    presence.changed()
  }
  clock.advance(250)
  expect(told.map(({ freeSlots }) => freeSlots)).toEqual([4, 1])
  presence.setState('draining')
  expect(told.at(-1)).toMatchObject({ version: 3, state: 'draining' })
})

test('asking for the status does not ask the system', () => {
  const { presence, looks } = setUp()
  const before = looks()
  for (let index = 0; index < 100; index++) presence.current()
  expect(looks()).toBe(before)
})
