// The host over real TCP: links, lanes, back-pressure, calls and gossip.
import { expect, test } from 'vitest'
import type { MeshHost } from '../../../node/mesh/host.ts'
import { FRAME_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Member } from './support.ts'
import { bytesOf, certifiedMember, createMember, createMembers, textOf, until } from './support.ts'

function received(host: MeshHost): string[] {
  const texts: string[] = []
  host.events.on('frame', ({ frame }) => texts.push(textOf(frame)))
  return texts
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

async function linkedPair(): Promise<[Member, Member]> {
  const [a, b] = await createMembers(2)
  if (a === undefined || b === undefined) throw new Error('two members')
  await a.host.dial(b.host.addresses())
  await until(() => b.host.peers().length === 1, 'linked')
  return [a, b]
}

async function linkAll(members: Member[]): Promise<void> {
  for (const [index, one] of members.entries()) {
    for (const other of members.slice(0, index))
      if (!one.host.peers().includes(other.host.self)) await one.host.dial(other.host.addresses())
  }
  await until(() => members.every((member) => member.host.peers().length === members.length - 1), 'a full mesh', 20_000)
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

test('both may dial at once, and one link comes of it', async () => {
  const [a, b] = await createMembers(2)
  if (a === undefined || b === undefined) throw new Error('two members')
  const atB = received(b.host)
  const ups: string[] = []
  a.host.events.on('peer-up', () => ups.push('up'))
  a.host.events.on('peer-down', () => ups.push('down'))
  await Promise.all([a.host.dial(b.host.addresses()), b.host.dial(a.host.addresses())])
  await until(() => a.host.peers().length === 1 && b.host.peers().length === 1, 'linked')
  expect(a.host.send(b.host.self, 'data', bytesOf('once'))).toBe(true)
  await until(() => atB.length > 0, 'the frame')
  const door = performance.now() + 3500 // past the time limit of the door: the second connection must not take the link down
  await until(() => performance.now() > door, 'the time limit of the door')
  expect(ups).toEqual(['up'])
  expect(atB).toEqual(['once'])
})

test('the largest frame passes, a larger one is refused at the sender', async () => {
  const [a, b] = await linkedPair()
  const sizes: number[] = []
  b.host.events.on('frame', ({ frame }) => sizes.push(frame.length))
  expect(a.host.send(b.host.self, 'data', new Uint8Array(FRAME_BYTES_MAX))).toBe(true)
  expect(a.host.send(b.host.self, 'control', new Uint8Array(0))).toBe(true)
  await until(() => sizes.length === 2, 'both frames')
  expect(new Set(sizes)).toEqual(new Set([0, FRAME_BYTES_MAX]))
  expect(() => a.host.send(b.host.self, 'data', new Uint8Array(FRAME_BYTES_MAX + 1))).toThrow('over the limit')
})

test('control overtakes bulk that waits', async () => {
  const [a, b] = await linkedPair()
  const order: string[] = []
  b.host.events.on('frame', ({ frame }) => order.push(frame.length > 100 ? 'bulk' : textOf(frame)))
  for (let count = 0; count < 20; count++) a.host.send(b.host.self, 'bulk', new Uint8Array(64 * 1024))
  a.host.send(b.host.self, 'data', bytesOf('data'))
  a.host.send(b.host.self, 'control', bytesOf('control'))
  await until(() => order.length === 22, 'all frames')
  expect(order.slice(0, 2)).toEqual(['control', 'data'])
})

test('a slow reader holds the sender back: lanes fill, and send says no', async () => {
  let open: () => void = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const psk = new Uint8Array(32).fill(5)
  const a = await createMember({ psk })
  const b = await certifiedMember(a, psk, 'slow', { ready: () => gate })
  await a.host.dial(b.host.addresses())
  let frames = 0
  b.host.events.on('frame', () => frames++)
  const frame = new Uint8Array(64 * 1024)
  let sent = 0
  for (let turn = 0; turn < 2000; turn++) {
    if (a.host.send(b.host.self, 'bulk', frame)) sent++
    if (turn % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await until(() => frames === 1, 'the first frame is handed on')
  expect(sent * frame.length).toBeLessThan(8 * 1024 * 1024) // of 125 MiB that were offered
  expect(a.host.traffic().framesHeldBack).toBe(2000 - sent)
  open()
  await until(() => frames === sent, 'everything that was taken arrives')
})

test('a call answers as a stream, passes errors on, and is held back by a slow caller', async () => {
  const [a, b] = await linkedPair()
  let produced = 0
  b.host.onCall(async function* (peer, body, signal) {
    if (textOf(body) === 'fail') throw new Error(`no, ${peer === a.host.self}`)
    for (let piece = 0; piece < 400 && !signal.aborted; piece++) {
      produced++
      yield new Uint8Array(64 * 1024).fill(piece % 256)
    }
  })
  let bytes = 0
  for await (const piece of a.host.call(b.host.self, bytesOf('go'))) bytes += piece.length
  expect(bytes).toBe(400 * 64 * 1024)
  await expect(collect(a.host.call(b.host.self, bytesOf('fail')))).rejects.toMatchObject({ code: 'failed', message: 'no, true' })
  produced = 0
  for await (const piece of a.host.call(b.host.self, bytesOf('go'))) {
    let last = -1
    await until(() => produced === last || ((last = produced), false), 'the answerer waits')
    expect(piece.length).toBe(64 * 1024)
    break
  }
  expect(produced).toBeLessThan(100)
  await until(() => produced < 400, 'the answerer stops when the caller goes')
  await expect(collect(a.host.call('12D3KooWnobody' as never, bytesOf('go')))).rejects.toMatchObject({ code: 'not-linked' })
})

test('a peer that stops is noticed, and a restart under the same identity links again', async () => {
  const psk = new Uint8Array(32).fill(6)
  const seed = new Uint8Array(32).fill(7)
  const a = await createMember({ psk })
  const first = await certifiedMember(a, psk, 'box', { seed })
  await first.host.dial(a.host.addresses())
  await until(() => a.host.peers().length === 1, 'linked')
  await first.host.stop()
  await until(() => a.host.peers().length === 0, 'the link ends')
  const second = await createMember({ psk, seed, trustBytes: a.trust.encode(), book: [[a.host.self, a.host.addresses()]] })
  const atSecond = received(second.host)
  await until(() => a.host.peers().length === 1 && second.host.peers().length === 1, 'linked again')
  expect(a.host.send(second.host.self, 'control', bytesOf('welcome back'))).toBe(true)
  await until(() => atSecond.length === 1, 'a frame over the new link')
})

test('three members become a full mesh from one address, because peers tell each other where the others are', async () => {
  const members = await createMembers(3)
  const [a, b, c] = members as [Member, Member, Member]
  await b.host.dial(a.host.addresses())
  await c.host.dial(a.host.addresses())
  await until(() => members.every((member) => member.host.peers().length === 2), 'all linked')
  expect(b.host.addressesOf(c.host.self)).not.toEqual([])
})

test('an announcement reaches all of five hosts', async () => {
  const members = await createMembers(5)
  await linkAll(members)
  const [publisher] = members as [Member]
  const heard = members.map((member) => {
    const texts: string[] = []
    member.host.events.on('announcement', ({ from, bytes }) => texts.push(`${from === publisher.host.self} ${textOf(bytes)}`))
    return texts
  })
  await until(() => {
    publisher.host.announce(bytesOf('hello all'))
    return heard.slice(1).every((texts) => texts.includes('true hello all'))
  }, 'all hear it')
  expect(heard[0]).toEqual([])
  expect(() => publisher.host.announce(new Uint8Array(20_000))).toThrow('over the limit')
})

test('sixteen hosts behind one address still deliver gossip', async () => {
  const members = await createMembers(16)
  for (const member of members.slice(1)) await member.host.dial((members[0] as Member).host.addresses())
  await until(() => members.every((member) => member.host.peers().length === 15), 'a full mesh', 40_000)
  const heard = new Map<string, Set<string>>()
  for (const member of members) {
    const from = new Set<string>()
    heard.set(member.host.self, from)
    member.host.events.on('announcement', (event) => from.add(event.from))
  }
  const announceAll = (): void => {
    for (const member of members) member.host.announce(bytesOf(member.host.self))
  }
  announceAll()
  await until(() => [...heard.values()].every((from) => from.size === 15), '240 of 240 deliveries', 20_000)
  expect(members.map((member) => member.host.traffic().announcementsIn >= 15)).toEqual(members.map(() => true))
}, 90_000)
