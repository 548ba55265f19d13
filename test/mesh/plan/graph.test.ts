// Graphs of tasks on simulated nodes: a task runs after what it needs, failures go downstream, cancels reach across a heal.
import { expect, test } from 'vitest'
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import { startCalmMesh } from '../parts/calm-mesh.ts'

const LONG_MS = 120_000
const spec = (more: Partial<TaskSpec> = {}): TaskSpec => ({ kind: 'shell', argv: ['true'], priority: 5, attempts: 1, ...more })

test(
  'a graph of 1,000 tasks with failures in the middle ends in the right states at every node',
  async () => {
    const mesh = await startCalmMesh(3, 3, 60)
    const random = createSeededRandom(11)
    const ids: TaskId[] = []
    const needs = new Map<TaskId, TaskId[]>()
    const fails = new Set<TaskId>()
    const expected = new Map<TaskId, string>()
    for (let at = 0; at < 1_000; at++) {
      // Layers of ten: each task comes after up to two of the layer before, all nodes publish.
      const layer = ids.slice(Math.max(0, Math.floor(at / 10) * 10 - 10), Math.floor(at / 10) * 10)
      const after = [
        ...new Set(Array.from({ length: 2 }, () => layer[Math.floor(random.next() * layer.length)]).filter((id) => id !== undefined)),
      ]
      const afterAny = random.next() < 0.6
      const isFailing = random.next() < 0.03
      const made = mesh
        .engine(at % 3)
        .publisher.publish(spec({ argv: [isFailing ? 'false' : 'true'], after, ...(afterAny ? { afterAny } : {}) }))
      ids.push(made.id)
      needs.set(made.id, after)
      if (isFailing) fails.add(made.id)
      const unreachable = !afterAny && after.some((id) => expected.get(id) !== 'succeeded')
      expected.set(made.id, unreachable ? 'cancelled' : isFailing ? 'failed' : 'succeeded')
    }
    const isSettled = (node: number) => ids.every((id) => mesh.engine(node).fold.task(id)?.value.state === 'settled')
    await mesh.until('all tasks settle everywhere', () => [0, 1, 2].every(isSettled), 600_000)
    for (const node of [0, 1, 2]) {
      for (const id of ids) expect([id, mesh.state(node, id).value.end]).toEqual([id, expected.get(id)])
      expect(mesh.engine(node).scheduler.open()).toBe(0)
    }
    const counts = [...expected.values()].reduce<Record<string, number>>((sum, end) => ({ ...sum, [end]: (sum[end] ?? 0) + 1 }), {})
    console.log('graph of 1,000:', counts)
    expect(counts['failed']).toBeGreaterThan(5)
    expect(counts['cancelled']).toBeGreaterThan(20)
    // Nothing ran before what it needs had ended, and what was cancelled never ran.
    const started = new Map(mesh.runs.map((run) => [run.task, mesh.runs.indexOf(run)]))
    for (const [id, after] of needs) {
      if (expected.get(id) === 'cancelled') expect(started.has(id), id).toBe(false)
      else for (const need of after) if (started.has(need)) expect(started.get(id)).toBeGreaterThan(started.get(need) as number)
    }
    const cancelled = ids.find((id) => expected.get(id) === 'cancelled') as TaskId
    expect(mesh.state(0, cancelled).value.outcome?.error).toMatch(/^it comes after task [0-9a-z]{26}, which (failed|was cancelled)$/)
  },
  LONG_MS,
)

test('a blocked task says what it waits for, and runs as soon as that has succeeded', async () => {
  const mesh = await startCalmMesh(5, 3)
  const first = mesh.engine(0).publisher.publish(spec({ notBefore: mesh.world.clock.wallMs() + 5_000 }))
  const second = mesh.engine(1).publisher.publish(spec({ after: [first.id] }))
  await mesh.until('both arrive', () =>
    [0, 1, 2].every((node) => mesh.engine(node).graph.isBlocked(second.id) && mesh.engine(node).fold.task(first.id) !== undefined),
  )
  expect(mesh.engine(2).graph.waitsFor(second.id)).toEqual([first.id])
  expect(mesh.engine(2).graph.dependents(first.id)).toEqual([second.id])
  expect(mesh.runs).toEqual([])
  await mesh.until('the second settles', () => mesh.engine(2).fold.task(second.id)?.value.state === 'settled')
  expect(mesh.runs.map((run) => run.task)).toEqual([first.id, second.id])
  expect(mesh.engine(2).graph.isBlocked(second.id)).toBe(false)
})

test('a cancel at the side without a majority is kept and takes effect after the heal, downstream too', async () => {
  const mesh = await startCalmMesh(7, 3)
  const root = mesh.engine(0).publisher.publish(spec({ notBefore: mesh.world.clock.wallMs() + 60_000 }))
  const below = mesh.engine(0).publisher.publish(spec({ after: [root.id] }))
  const last = mesh.engine(0).publisher.publish(spec({ after: [below.id] }))
  await mesh.until('all arrive', () => [1, 2].every((node) => mesh.engine(node).fold.task(last.id)?.task !== undefined))
  mesh.world.network.partition(new Map(mesh.world.peers.map((peer, index) => [peer, index === 2 ? 1 : 0])))
  mesh.engine(2).append({ kind: 'cancel', task: root.id })
  await mesh.world.clock.run(mesh.world.clock.nowMs() + 10_000)
  expect(mesh.state(2, root.id)).toMatchObject({ value: { state: 'free' }, cancel: { author: mesh.world.peers[2] } })
  expect(mesh.state(0, root.id).cancel).toBeUndefined()
  mesh.heal()
  await mesh.until('all three are cancelled', () =>
    [root, below, last].every(({ id }) => [0, 1, 2].every((node) => mesh.engine(node).fold.task(id)?.value.end === 'cancelled')),
  )
  expect(mesh.runs).toEqual([])
})

test('a task that nobody claims in time fails with its queue time-out, once', async () => {
  const mesh = await startCalmMesh(9, 3, 1e6)
  // The slots of all three are taken for longer than it may wait.
  for (let slot = 0; slot < 6; slot++) mesh.engine(0).publisher.publish(spec())
  await mesh.until('all slots are taken', () => mesh.runs.length === 6)
  const late = mesh.engine(1).publisher.publish(spec({ queueTimeoutMs: 20 }))
  await mesh.until('it ends', () => [0, 1, 2].every((node) => mesh.engine(node).fold.task(late.id)?.value.state === 'settled'))
  expect(mesh.state(0, late.id).value).toMatchObject({
    end: 'failed',
    epoch: 0,
    outcome: { timedOut: true, timeout: 'queue', error: 'no worker claimed it within its queue time-out of 20ms' },
  })
  expect(mesh.runs.map((run) => run.task)).not.toContain(late.id)
})

test('waiting raises a priority by one a minute: a low one gets its turn before a later high one', async () => {
  const mesh = await startCalmMesh(13, 1, 5e6)
  const { clock } = mesh.world
  for (let slot = 0; slot < 2; slot++) mesh.engine(0).publisher.publish(spec({ priority: 9 }))
  await mesh.until('both slots are taken', () => mesh.runs.length === 2)
  mesh.world.workMaxMs = 40
  const low = mesh.engine(0).publisher.publish(spec({ priority: 2 }))
  await clock.run(clock.nowMs() + 3.5 * 60_000)
  const high = mesh.engine(0).publisher.publish(spec({ priority: 6 }))
  const middle = mesh.engine(0).publisher.publish(spec({ priority: 5 }))
  await mesh.until('all ran', () => mesh.runs.length === 5, 1e9)
  // 2 and three and a half minutes beat 5, not 6.
  expect(mesh.runs.slice(2).map((run) => run.task)).toEqual([high.id, low.id, middle.id])
})
