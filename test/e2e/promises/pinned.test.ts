// A task that only one worker may run, and that worker dies: the status says that it waits, and for whom; it runs again when it is back.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh } from '../../support/real-mesh.ts'
import { meshOf, publish, taskWhere } from './promise-mesh.ts'

let mesh: RealMesh
beforeAll(async () => {
  mesh = await meshOf(2)
}, 60_000)
afterAll(() => mesh.close())

test('it is shown as waiting for its worker, not as running', { timeout: 60_000 }, async () => {
  const [first, second] = mesh.nodes
  if (first === undefined || second === undefined) throw new Error('the mesh has two nodes')
  const id = await publish(first, { argv: ['sleep', '2'], worker: second.ready.peerId })
  await taskWhere(first, id, (task) => task.state === 'running', 'it runs')
  await second.kill()
  const waiting = await taskWhere(
    first,
    id,
    (task) => task.state === 'ready' && task.waiting?.code === 'offline',
    'it waits for the dead worker',
  )
  expect(waiting.attempts.map((attempt) => attempt.outcome)).toEqual(['lost'])
  await second.restart()
  const ended = await taskWhere(first, id, (task) => task.state === 'succeeded', 'it ran again', 30_000)
  expect(ended.attempts.map((attempt) => attempt.outcome)).toEqual(['lost', 'succeeded'])
})
