// The ticker on a virtual clock: who writes a tick and when, many schedules at one moment, and a wall clock that is set.
import { expect, test } from 'vitest'
import type { TaskId } from '../../../protocols/ids.ts'
import type { Entry, TaskSpec } from '../../../protocols/records.ts'
import type { SchedulePlan } from '../../../protocols/plan/schedule-records.ts'
import { createTicker, tickId } from '../../../node/schedules/ticker.ts'
import { alice, bob } from '../../protocols/samples.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'
import { createScheduleRoom } from './schedule-room.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const SPEC: TaskSpec = { kind: 'shell', argv: ['true'], priority: 5, attempts: 1 }

/** A node of a mesh of two: what it writes is known to it at once. */
function createNode(self: typeof alice.peerId, options: { viewer?: boolean } = {}) {
  let skewMs = 0
  const virtual = createVirtualClock(START)
  const clock = { ...virtual, wallMs: () => virtual.wallMs() + skewMs }
  const known = new Map<TaskId, TaskSpec>()
  const published: { name: string; at: string; atMs: number }[] = []
  const room = createScheduleRoom(alice.peerId, { clock, onChange: (name) => ticker.changed(name) })
  const ticker = createTicker({
    self,
    clock,
    book: room.book,
    append: room.append,
    mayPublish: () => true,
    writers: () => (options.viewer === true ? [alice.peerId] : [alice.peerId, bob.peerId]),
    nameOf: (peer) => peer.slice(-4),
    task: (id) => (known.has(id) ? ({ task: { spec: known.get(id) }, value: { state: 'free' } } as never) : undefined),
    publishOnce(spec) {
      const { id, at } = spec.schedule!
      known.set(tickId(id, at), spec)
      published.push({ name: id, at: new Date(at).toISOString().slice(11, 19), atMs: clock.wallMs() })
    },
    onError(error) {
      throw error
    },
  })
  const add = (name: string, plan: Partial<SchedulePlan>): void =>
    void room.append({
      kind: 'schedule',
      name,
      plan: { from: clock.wallMs(), overlap: 'allow', missed: 'latest', spec: SPEC, ...plan },
    } satisfies Entry)
  ticker.start()
  return { ticker, clock, add, known, published, setClock: (ms: number) => (skewMs += ms) }
}

test('the author writes a tick on time, another node only where it is still missing', () => {
  const [author, other] = [createNode(alice.peerId), createNode(bob.peerId)]
  for (const node of [author, other]) node.add('beat', { everyMs: 60_000 })
  author.clock.advance(60_000)
  expect(author.published).toEqual([{ name: 'beat', at: '00:01:00', atMs: START + 60_000 }])
  other.clock.advance(60_100)
  expect(other.published).toEqual([])
  other.known.set(tickId('beat', START + 60_000), SPEC)
  other.clock.advance(60_100)
  expect(
    other.published.map(({ at }) => at),
    'the first was there in time, the second was not',
  ).toEqual(['00:02:00'])
  expect(other.published[0]?.atMs).toBe(START + 120_150)
})

test('a tick is not runnable before its time, and names whose schedule it is', () => {
  const node = createNode(alice.peerId)
  node.add('beat', { everyMs: 60_000 })
  node.clock.advance(60_000)
  expect(node.known.get(tickId('beat', START + 60_000))).toEqual({
    ...SPEC,
    notBefore: START + 60_000,
    schedule: { id: 'beat', at: START + 60_000, author: alice.peerId, authorName: alice.peerId.slice(-4) },
  })
})

test('a viewer writes nothing', () => {
  const viewer = createNode(bob.peerId, { viewer: true })
  viewer.add('beat', { everyMs: 60_000 })
  viewer.clock.advance(300_000)
  expect(viewer.published).toEqual([])
})

test('a thousand schedules of one minute all tick, each once, in turns that leave the event loop free', () => {
  const node = createNode(alice.peerId)
  for (let n = 0; n < 1_000; n++) node.add(`job-${n}`, { cron: '*/5 * * * *', timezone: 'Europe/Berlin' })
  node.clock.advance(601_000)
  expect(node.published).toHaveLength(2_000)
  expect(new Set(node.published.map(({ name, at }) => name + at)).size).toBe(2_000)
  expect(Math.max(...node.published.slice(0, 1_000).map(({ atMs }) => atMs)) - START - 300_000).toBeLessThan(100)
})

test('a wall clock that is set back brings no tick twice, one that is set forward makes up the latest only', () => {
  const node = createNode(alice.peerId)
  node.add('beat', { cron: '* * * * *' })
  node.clock.advance(180_000)
  node.setClock(-120_000)
  node.clock.advance(60_000)
  expect(node.published.map(({ at }) => at)).toEqual(['00:01:00', '00:02:00', '00:03:00'])
  node.setClock(7_200_000)
  node.clock.advance(60_000)
  expect(node.published.map(({ at }) => at)).toEqual(['00:01:00', '00:02:00', '00:03:00', '02:02:00', '02:03:00'])
})

test('a schedule of seconds keeps its pace', () => {
  const node = createNode(alice.peerId)
  node.add('fast', { cron: '* * * * * *' })
  node.clock.advance(120_000)
  expect(node.published).toHaveLength(120)
})
