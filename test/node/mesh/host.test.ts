// The host over real TCP: links, lanes, back-pressure, calls and gossip.
import { expect, test } from 'vitest'
import type { MeshHost } from '../../../node/mesh/host.ts'
import { bytesOf, createMembers, textOf, until } from './support.ts'

function received(host: MeshHost): string[] {
  const texts: string[] = []
  host.events.on('frame', ({ frame }) => texts.push(textOf(frame)))
  return texts
}

test('two hosts link, and frames arrive in order in both directions', async () => {
  const [a, b] = await createMembers(2)
  if (a === undefined || b === undefined) throw new Error('two members')
  const [atA, atB] = [received(a.host), received(b.host)]
  expect(await a.host.dial(b.host.addresses())).toBe(b.host.self)
  await until(() => b.host.peers().length === 1, 'b sees the link')
  for (let number = 0; number < 1000; number++) {
    expect(a.host.send(b.host.self, 'data', bytesOf(`a${number}`))).toBe(true)
    expect(b.host.send(a.host.self, 'data', bytesOf(`b${number}`))).toBe(true)
  }
  await until(() => atA.length === 1000 && atB.length === 1000, 'all frames')
  expect(atB).toEqual(Array.from({ length: 1000 }, (_, number) => `a${number}`))
  expect(atA).toEqual(Array.from({ length: 1000 }, (_, number) => `b${number}`))
  expect(a.host.roundTripMs(b.host.self)).toBeGreaterThan(0)
})
