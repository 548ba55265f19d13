// Schedules on real nodes: one task a tick across the death of the node that added it, and none once its author was removed.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ScheduleView } from '../../../protocols/http/schedules.ts'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'

let mesh: RealMesh
let first: RealNode
let second: RealNode
let third: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  first = await mesh.add('first')
  second = await mesh.add('second')
  third = await mesh.add('third')
  await mesh.settled()
})
afterAll(() => mesh.close())

type Tick = TaskView & { spec: { schedule: { id: string; at: number } } }
const ticks = async (node: RealNode): Promise<Tick[]> =>
  (await node.api<{ items: Tick[] }>('/api/tasks?limit=500')).body.items.filter(({ spec }) => spec.schedule?.id === 'beat')
const succeeded = async (node: RealNode): Promise<Tick[]> => (await ticks(node)).filter(({ state }) => state === 'succeeded')

test('each tick is one task that runs once, also while the node that added it is dead', async () => {
  const added = await third.cli('schedule', 'add', 'beat', '--every', '2s', '--', 'true')
  expect(added).toMatchObject({ code: 0 })
  await until(async () => (await succeeded(first)).length >= 2, { what: 'two ticks', timeoutMs: 30_000 })
  await third.kill()
  const before = (await succeeded(first)).length
  await until(async () => (await succeeded(first)).length >= before + 2, { what: 'ticks without their author', timeoutMs: 30_000 })
  await third.restart()
  await mesh.settled()
  const view = (await second.api<ScheduleView>('/api/schedules/beat')).body
  expect(view).toMatchObject({ state: 'active', everyMs: 2_000, authorName: 'third' })
  expect(view.next.map((at) => (at - view.createdAt) % 2_000)).toEqual([0, 0, 0, 0, 0])
  const done = await succeeded(first)
  const times = done.map(({ spec }) => spec.schedule.at).sort((a, b) => a - b)
  expect(new Set(times).size, 'no tick twice').toBe(times.length)
  expect(times, 'and none left out').toEqual(Array.from({ length: times.length }, (_, n) => view.createdAt + (n + 1) * 2_000))
  for (const tick of done) expect(tick.attempts.filter(({ outcome }) => outcome === 'succeeded')).toHaveLength(1)
})

test('a pause holds everywhere, and ticks end with the membership of their author', async () => {
  expect(await second.cli('schedule', 'pause', 'beat')).toMatchObject({ code: 0, stdout: 'beat is paused.\n' })
  await until(async () => (await first.api<ScheduleView>('/api/schedules/beat')).body.state === 'paused', { what: 'the pause' })
  expect(await first.cli('schedule', 'resume', 'beat')).toMatchObject({ code: 0 })
  const paused = (await ticks(first)).length
  await until(async () => (await ticks(first)).length > paused, { what: 'a tick after the pause', timeoutMs: 20_000 })
  expect(await first.cli('worker', 'rm', 'third')).toMatchObject({ code: 0 })
  const orphan = await until(
    async () => {
      const { body } = await second.api<ScheduleView>('/api/schedules/beat')
      return body.state === 'orphaned' ? body : undefined
    },
    { what: 'the schedule without its author' },
  )
  expect(orphan.next).toEqual([])
  expect((await second.cli('schedule', 'show', 'beat')).stdout).toContain('orphaned: its author may not publish any more')
  expect(await second.cli('schedule', 'rm', 'beat')).toMatchObject({ code: 0 })
  expect((await first.cli('schedule', 'show', 'beat')).code).toBe(3)
})
