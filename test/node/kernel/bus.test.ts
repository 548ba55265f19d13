import { expect, test } from 'vitest'
import { createBus } from '../../../node/kernel/bus.ts'

type Events = { one: number; two: string }

test('each listener of a name hears each event of that name, in the order of listening', () => {
  const bus = createBus<Events>(() => {})
  const heard: string[] = []
  bus.on('one', (value) => heard.push(`a${value}`))
  bus.on('one', (value) => heard.push(`b${value}`))
  bus.on('two', (value) => heard.push(value))
  bus.emit('one', 1)
  bus.emit('two', 'text')
  expect(heard).toEqual(['a1', 'b1', 'text'])
})

test('a listener that throws is told of, and the others hear the event all the same', () => {
  const errors: unknown[] = []
  const bus = createBus<Events>((error) => errors.push(error))
  const heard: number[] = []
  bus.on('one', () => {
    throw new Error('a bad listener')
  })
  bus.on('one', (value) => heard.push(value))
  bus.emit('one', 7)
  expect({ heard, errors: errors.map(String) }).toEqual({ heard: [7], errors: ['Error: a bad listener'] })
})

test('a listener that was cancelled hears nothing more, also where it is cancelled by another during an event', () => {
  const bus = createBus<Events>(() => {})
  const heard: string[] = []
  bus.on('one', () => cancelSecond())
  const cancelSecond = bus.on('one', () => heard.push('second'))
  bus.emit('one', 1)
  cancelSecond()
  expect(heard).toEqual([])
})
