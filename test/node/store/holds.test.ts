// Holding and removing exclude each other, whichever comes first.
import { expect, test } from 'vitest'
import { createHolds } from '../../../node/store/holds.ts'

test('what is held is not removed, until the last holder has released it', async () => {
  const holds = createHolds()
  const releases = [await holds.hold('a'), await holds.hold('a')]
  const remove = (name: string): Promise<boolean> => holds.remove(name, () => Promise.resolve(true))
  expect([await remove('a'), await remove('b')]).toEqual([false, true])
  releases[0]?.()
  releases[0]?.()
  expect(await remove('a')).toBe(false)
  releases[1]?.()
  expect(await remove('a')).toBe(true)
})

test('who comes during a removal waits for its end, also where it fails, and nobody removes twice at once', async () => {
  const holds = createHolds()
  const gate = Promise.withResolvers<boolean>()
  const order: string[] = []
  const removal = holds.remove('a', () => gate.promise).catch(() => order.push('failed'))
  const holding = holds.hold('a').then((release) => (order.push('held'), release))
  expect(await holds.remove('a', () => Promise.resolve(true))).toBe(false)
  expect(order).toEqual([])
  gate.reject(new Error('the disk'))
  await removal
  const release = await holding
  expect([...order].sort()).toEqual(['failed', 'held'])
  expect(await holds.remove('a', () => Promise.resolve(true))).toBe(false)
  release()
  expect(await holds.remove('a', () => Promise.resolve(true))).toBe(true)
})
