// Schedules on five simulated nodes: each tick is one task and runs once, in the nights in which clocks are set, across
// partitions and crashes, and whatever was missed.
import { expect, test } from 'vitest'
import type { PlanWorld } from './plan-world.ts'
import { createPlanWorld } from './plan-world.ts'

const BERLIN = 'Europe/Berlin'
const TIMES_MS = 120_000

/** All nodes know the same, each tick ran once and succeeded, and nothing went wrong on the way. */
function expectOnce(world: PlanWorld, name: string, times: string[]): void {
  const ticks = world.ticks(name)
  expect(ticks.map(({ at }) => at.slice(0, 16))).toEqual(times)
  for (const tick of ticks) expect(tick).toMatchObject({ end: 'succeeded', runs: 1 })
  expect(new Set(world.nodes.map(({ engine }) => engine?.fold.hash())).size).toBe(1)
  expect(world.errors).toEqual([])
}

test(
  'on the night in which Berlin skips an hour, each tick comes once on five nodes: 02:30 at 03:00',
  async () => {
    const world = await createPlanWorld({ seed: 1, start: '2026-03-29T00:10:00Z' })
    world.addSchedule(world.nodes[2]!, 'nightly', { cron: '30 2 * * *', timezone: BERLIN })
    world.addSchedule(world.nodes[3]!, 'half-hours', { cron: '*/30 * * * *', timezone: BERLIN })
    await world.runUntil('2026-03-29T02:10:00Z')
    expectOnce(world, 'nightly', ['2026-03-29T01:00'])
    expectOnce(world, 'half-hours', ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30', '2026-03-29T02:00'])
    expect(
      world.ticks('half-hours').map(({ writers }) => writers),
      'the author wrote it, nobody else had to',
    ).toEqual([1, 1, 1, 1])
  },
  TIMES_MS,
)

test(
  'on the night in which Berlin has an hour twice, 02:30 comes the first time, the half hours come both times',
  async () => {
    const world = await createPlanWorld({ seed: 2, start: '2026-10-25T00:20:00Z' })
    world.addSchedule(world.nodes[1]!, 'nightly', { cron: '30 2 * * *', timezone: BERLIN })
    world.addSchedule(world.nodes[1]!, 'half-hours', { cron: '*/30 2 * * *', timezone: BERLIN })
    await world.runUntil('2026-10-25T02:10:00Z')
    expectOnce(world, 'nightly', ['2026-10-25T00:30'])
    expectOnce(world, 'half-hours', ['2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30'])
  },
  TIMES_MS,
)

test(
  'while the mesh is cut in two, both sides write the tick and it is one task that runs once',
  async () => {
    const world = await createPlanWorld({ seed: 3, start: '2026-01-01T00:00:00Z' })
    world.addSchedule(world.nodes[0]!, 'minutes', { everyMs: 60_000, from: Date.parse('2026-01-01T00:00:00Z') })
    await world.runUntil('2026-01-01T00:01:30Z')
    world.network.partition(new Map(world.nodes.map(({ peer }, at) => [peer, at < 2 ? 1 : 0])))
    await world.runUntil('2026-01-01T00:03:30Z')
    world.heal()
    await world.runUntil('2026-01-01T00:05:40Z')
    expectOnce(
      world,
      'minutes',
      ['01', '02', '03', '04', '05'].map((minute) => `2026-01-01T00:${minute}`),
    )
    expect(world.ticks('minutes').map(({ writers }) => writers)).toEqual([1, 2, 2, 1, 1])
  },
  TIMES_MS,
)

const from = Date.parse('2026-01-01T00:00:00Z')
const HOUR_MS = 3_600_000

test(
  'ticks come while their author is away, and after all were off only the latest is made up, where that is wanted',
  async () => {
    const world = await createPlanWorld({ seed: 4, start: '2026-01-01T00:00:00Z' })
    const author = world.nodes[4]!
    world.addSchedule(author, 'hours', { everyMs: HOUR_MS, from })
    world.addSchedule(author, 'strict', { everyMs: HOUR_MS, from, missed: 'skip' })
    await world.runUntil('2026-01-01T00:59:59Z')
    author.crash()
    await world.runUntil('2026-01-01T01:20:00Z')
    for (const name of ['hours', 'strict'])
      expect(world.ticks(name)).toMatchObject([{ at: '2026-01-01T01:00:00', end: 'succeeded', runs: 1 }])
    for (const node of world.nodes) if (node.up) node.crash()
    await world.runUntil('2026-01-01T04:20:00Z')
    for (const node of world.nodes) await node.boot()
    world.heal()
    await world.runUntil('2026-01-01T05:10:00Z')
    expectOnce(world, 'hours', ['2026-01-01T01:00', '2026-01-01T04:00', '2026-01-01T05:00'])
    expectOnce(world, 'strict', ['2026-01-01T01:00', '2026-01-01T05:00'])
    for (const node of world.nodes) node.crash()
    await world.runUntil('2026-01-03T05:10:00Z')
    for (const node of world.nodes) await node.boot()
    world.heal()
    await world.runUntil('2026-01-03T05:12:00Z')
    expect(
      world.ticks('hours').map(({ at }) => at),
      'the latest of two days',
    ).toContain('2026-01-03T05:00:00')
    expect(world.ticks('hours')).toHaveLength(4)
  },
  TIMES_MS,
)

test(
  'with --overlap skip no tick comes while the task of an earlier one is open, also for a node that comes back later',
  async () => {
    const world = await createPlanWorld({ seed: 5, start: '2026-01-01T00:00:00Z' })
    world.addSchedule(world.nodes[0]!, 'slow', {
      everyMs: 60_000,
      from,
      overlap: 'skip',
      // Nobody can run it: it stays open.
      spec: { kind: 'shell', argv: ['true'], worker: 'nobody', priority: 5, attempts: 1 },
    })
    await world.runUntil('2026-01-01T00:01:10Z')
    world.nodes[3]!.crash()
    await world.runUntil('2026-01-01T00:02:20Z')
    const [first] = world.ticks('slow')
    expect(world.ticks('slow')).toHaveLength(1)
    const open = [...world.nodes[0]!.engine!.fold.tasks()].find(({ task }) => task?.spec.schedule?.id === 'slow')!
    world.nodes[0]!.engine!.append({ kind: 'cancel', task: open.id })
    await world.nodes[3]!.boot()
    world.heal()
    await world.runUntil('2026-01-01T00:03:30Z')
    expect(first?.at).toBe('2026-01-01T00:01:00')
    expect(world.ticks('slow').map(({ at }) => at)).toEqual(['2026-01-01T00:01:00', '2026-01-01T00:03:00'])
    expect([...world.rooms(world.nodes[3]!).book.get('slow')!.skipped].map((at) => new Date(at).toISOString())).toEqual([
      '2026-01-01T00:02:00.000Z',
    ])
    expect(world.errors).toEqual([])
  },
  TIMES_MS,
)

test(
  'a paused schedule and one whose author may not publish any more have no ticks, and what passed meanwhile is not made up',
  async () => {
    const world = await createPlanWorld({ seed: 6, start: '2026-01-01T00:00:00Z' })
    world.addSchedule(world.nodes[0]!, 'paused', { everyMs: 60_000, from })
    world.addSchedule(world.nodes[1]!, 'orphan', { everyMs: 60_000, from })
    await world.runUntil('2026-01-01T00:01:10Z')
    world.nodes[2]!.engine!.append({ kind: 'schedule-pause', name: 'paused', paused: true })
    world.barred.add(world.nodes[1]!.peer)
    await world.runUntil('2026-01-01T00:03:20Z')
    world.nodes[3]!.engine!.append({ kind: 'schedule-pause', name: 'paused', paused: false })
    await world.runUntil('2026-01-01T00:04:10Z')
    expectOnce(world, 'paused', ['2026-01-01T00:01', '2026-01-01T00:04'])
    expectOnce(world, 'orphan', ['2026-01-01T00:01'])
    world.nodes[4]!.engine!.append({ kind: 'schedule', name: 'paused' })
    await world.runUntil('2026-01-01T00:06:10Z')
    expect(world.ticks('paused'), 'removed').toHaveLength(2)
  },
  TIMES_MS,
)

test.each([1, 2, 3, 4, 5, 6])(
  'with crashes and partitions in between every tick comes and succeeds (seed %i)',
  async (seed) => {
    const world = await createPlanWorld({ seed, start: '2026-01-01T00:00:00Z', workMaxMs: 1_000 })
    world.addSchedule(world.nodes[0]!, 'often', { everyMs: 5_000, from })
    const { clock, random } = world
    for (let atMs = 10_000; atMs < 180_000; atMs += 4_000 + random.next() * 6_000) {
      clock.after(atMs, () => {
        const node = world.nodes[Math.floor(random.next() * 5)]!
        if (random.next() < 0.5 && node.up) {
          node.crash()
          clock.after(500 + random.next() * 8_000, () => void node.boot().catch(world.onError))
        } else {
          world.network.partition(new Map(world.peers.map((peer) => [peer, random.next() < 0.4 ? 1 : 0])))
          clock.after(500 + random.next() * 8_000, () => world.heal())
        }
      })
    }
    await world.runUntil('2026-01-01T00:04:00Z')
    const ticks = world.ticks('often')
    const expected = Array.from({ length: ticks.length }, (_, n) => new Date(from + (n + 1) * 5_000).toISOString().slice(0, 19))
    expect(ticks.map(({ at }) => at)).toEqual(expected)
    expect(ticks.length).toBeGreaterThan(44)
    for (const tick of ticks.slice(0, -2)) expect(tick).toMatchObject({ end: 'succeeded' })
    expect(world.errors).toEqual([])
  },
  TIMES_MS,
)
