// The supervisor over processes that are only words: which version runs, and what the pointer says after each end.
import { expect, test } from 'vitest'
import type { NodeWord } from '../../../node/runner/commands/version-process.ts'
import type { Pointer } from '../../../node/upgrade/supervise/pointer.ts'
import { supervise } from '../../../node/upgrade/supervise/supervisor.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { until } from '../../support/until.ts'

const A = { commit: 'a', dir: '/v/a' }
const B = { commit: 'b', dir: '/v/b' }

function stand(first: Pointer = { base: 'a' }) {
  const clock = createVirtualClock()
  const starts: { entry: string; http: string | undefined; say(word: NodeWord): void; end(code: number): void; signals: string[] }[] = []
  let pointer = first
  let signal: (name: NodeJS.Signals, heard: boolean) => void = () => {}
  const notes: string[] = []
  const done = supervise({
    clock,
    start(entry, http, onWord) {
      const over = Promise.withResolvers<number>()
      const signals: string[] = []
      starts.push({ entry, http, say: onWord, end: over.resolve, signals })
      return {
        pid: 1,
        ended: over.promise,
        errors: () => 'x\nTypeError: no such thing\n    at y',
        signal(name) {
          signals.push(name)
          over.resolve(128)
        },
      }
    },
    pointer: { read: async () => pointer, write: async (next) => void (pointer = next) },
    own: A,
    onSignal: (to) => ((signal = to), () => {}),
    note: (text) => void notes.push(text),
  })
  const started = (count: number) => until(() => starts.length === count && starts[count - 1], { what: `start ${count}` })
  return { clock, starts, started, notes, done, pointer: () => pointer, signal: (name: NodeJS.Signals) => signal(name, false) }
}

test('moves to what the node asks for, on its old address, and writes it down when it is healthy', async () => {
  const { started, pointer, done } = stand()
  const first = await started(1)
  expect(first.entry).toBe('/v/a/node/nimbus.js')
  first.say({ say: 'ready', http: 'http://127.0.0.1:4242' })
  first.say({ say: 'switch', ...B })
  first.end(0)
  const second = await started(2)
  expect(second).toMatchObject({ entry: '/v/b/node/nimbus.js', http: 'http://127.0.0.1:4242' })
  expect(pointer()).toEqual({ base: 'a', trial: 'b' })
  second.say({ say: 'healthy' })
  await until(() => pointer().current)
  expect(pointer()).toEqual({ base: 'a', current: B, previous: A })
  second.end(0)
  expect(await done).toBe(0)
})

test.each([
  ['is late', async (s: ReturnType<typeof stand>) => s.clock.advance(30_001), 'it was not healthy within 30 s: TypeError: no such thing'],
  ['dies', async (s: ReturnType<typeof stand>) => s.starts[1]?.end(1), 'it ended with 1 before it was healthy: TypeError: no such thing'],
])('a version that %s is taken back, with the reason', async (_how, fault, reason) => {
  const s = stand()
  const first = await s.started(1)
  first.say({ say: 'switch', ...B })
  first.end(0)
  await s.started(2)
  await fault(s)
  const third = await s.started(3)
  expect(third.entry).toBe('/v/a/node/nimbus.js')
  expect(s.pointer()).toEqual({ base: 'a', fallen: { commit: 'b', reason, atMs: expect.any(Number) as number } })
  third.end(0)
  expect(await s.done).toBe(0)
})

test('a version whose proof took long on this machine gets longer to be healthy', async () => {
  const s = stand()
  const first = await s.started(1)
  first.say({ say: 'switch', ...B, patienceMs: 87_000 })
  first.end(0)
  await s.started(2)
  s.clock.advance(86_000)
  expect(s.starts).toHaveLength(2)
  s.clock.advance(1_001)
  expect((await s.started(3)).entry).toBe('/v/a/node/nimbus.js')
  expect(s.pointer()).toMatchObject({ fallen: { reason: expect.stringContaining('within 87 s') as string } })
})

test('a version that dies soon after it was healthy is taken back too; later its end is its own', async () => {
  const s = stand({ base: 'a', current: A, previous: B })
  const first = await s.started(1)
  first.say({ say: 'switch', ...B })
  first.end(0)
  const second = await s.started(2)
  second.say({ say: 'healthy' })
  await until(() => s.pointer().current?.commit === 'b')
  second.end(1)
  const third = await s.started(3)
  expect(s.pointer()).toMatchObject({ current: A, fallen: { commit: 'b', reason: expect.stringContaining('within 60 s') as string } })
  third.end(7)
  expect(await s.done).toBe(7)
})

test('a trial that was cut off by a crash of the machine is not believed, and a signal ends it all', async () => {
  const s = stand({ base: 'a', trial: 'b' })
  const first = await s.started(1)
  expect(first.entry).toBe('/v/a/node/nimbus.js')
  expect(s.pointer()).toEqual({ base: 'a' })
  first.say({ say: 'switch', ...B })
  s.signal('SIGTERM')
  expect(first.signals).toEqual(['SIGTERM'])
  await s.done
  expect(s.starts).toHaveLength(1)
})

test('a version that is asked to stop while it is watched ends it all, and is tried again next time', async () => {
  const s = stand()
  const first = await s.started(1)
  first.say({ say: 'switch', ...B })
  first.end(0)
  const second = await s.started(2)
  second.say({ say: 'ready', http: 'http://127.0.0.1:4242' })
  second.end(0)
  expect(await s.done).toBe(0)
  expect(s.pointer()).toEqual({ base: 'a', trial: 'b' })
})
