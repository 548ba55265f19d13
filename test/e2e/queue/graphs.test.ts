// Graphs of tasks through the CLI and REST of three real nodes: joints, failures downstream, retries, cancels, refusals by name.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Problem } from '../../../protocols/http/views.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { ended, meshOf, taskWhere } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let nodes: [RealNode, RealNode, RealNode]
beforeAll(async () => {
  mesh = await meshOf(3, ['--slots', '2'])
  nodes = mesh.nodes as [RealNode, RealNode, RealNode]
})
afterAll(() => mesh?.close())

const batch = async (node: RealNode, tasks: unknown[]): Promise<{ ids: string[] }> => {
  const { status, body } = await node.api<{ ids: string[] }>('/api/tasks', { body: { tasks } })
  expect(status, JSON.stringify(body).slice(0, 300)).toBe(201)
  return body
}

test('a graph fans out and in by joints; what it waits for is said, failures go downstream and a retry mends them', async () => {
  const [first, second] = nodes
  const { ids } = await batch(first, [
    { argv: ['sleep', '1'], name: 'prepare' },
    ...[1, 2, 3].map(() => ({ argv: ['true'], afterIndex: [0] })),
    { kind: 'noop', name: 'joint', afterIndex: [1, 2, 3] },
    { argv: ['sh', '-c', 'exit 3'], name: 'broken', afterIndex: [4] },
    { argv: ['true'], name: 'below', afterIndex: [5] },
    { argv: ['true'], name: 'cleanup', afterIndex: [5], afterAny: true },
  ])
  const [prepare, , , , joint, broken, below, cleanup] = ids as [string, string, string, string, string, string, string, string]
  const waiting = await taskWhere(second, joint, ({ state }) => state === 'blocked', 'blocked')
  expect(waiting.waiting).toMatchObject({
    code: 'blocked',
    message: expect.stringMatching(/^it waits for 3 of 3 tasks to succeed: /) as string,
  })
  const why = await second.cli('task', 'why', ids[1] as string)
  expect(why.stdout).toContain(`${prepare} (prepare) is`)
  expect((await ended(second, cleanup)).state).toBe('succeeded')
  const states = await Promise.all(ids.map(async (id) => (await ended(second, id)).state))
  expect(states).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded', 'succeeded', 'failed', 'cancelled', 'succeeded'])
  const cancelled = await second.task(below)
  expect(cancelled.result?.error).toBe(`it comes after task ${broken}, which failed`)
  expect(cancelled.attempts).toEqual([])
  // The task below cannot run again alone; together with what broke it, its retry comes after that one's.
  const alone = await first.cli('task', 'retry', below)
  expect([alone.code, alone.stderr]).toEqual([4, expect.stringContaining(`it comes after task ${broken}, which failed`)])
  const both = await first.cli('task', 'retry', '--json', broken, below)
  const retried = both.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; retryOf: string })
  expect(retried.map(({ retryOf }) => retryOf)).toEqual([broken, below])
  const last = await ended(first, retried[1]!.id)
  expect(last).toMatchObject({ state: 'cancelled', spec: { after: [retried[0]!.id], retryOf: below } })
})

test('a batch with a ring, a stranger or a place outside of it is refused by name, and nothing of it is published', async () => {
  const [first] = nodes
  const before = (await first.mesh()).tasks
  const refused = async (tasks: unknown[]): Promise<[number, string]> => {
    const { status, body } = await first.api<Problem>('/api/tasks', { body: { tasks } })
    return [status, body.code]
  }
  const task = (more: object) => ({ argv: ['true'], ...more })
  expect(await refused([task({ afterIndex: [1] }), task({ afterIndex: [0] })])).toEqual([400, 'after-cycle'])
  expect(await refused([task({ afterIndex: [0] })])).toEqual([400, 'after-cycle'])
  expect(await refused([task({}), task({ afterIndex: [7] })])).toEqual([400, 'after-unknown'])
  expect(await refused([task({ after: ['0'.repeat(26)] })])).toEqual([400, 'after-unknown'])
  expect(await refused([task({ after: ['no id'] })])).toEqual([400, 'invalid-input'])
  expect(await refused([task({ delay: '-5s' })])).toEqual([400, 'invalid-input'])
  expect(await refused([task({ delay: -5 })])).toEqual([400, 'invalid-input'])
  expect(await refused([task({ skills: Array.from({ length: 1_000_000 }, (_, at) => `s${at}`) })])).toEqual([400, 'invalid-input'])
  expect(await refused([task({ env: Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`A${at}`, 'x'.repeat(30_000)])) })])).toEqual(
    [400, 'task-too-large'],
  )
  expect(await refused(Array.from({ length: 10_001 }, () => task({})))).toEqual([400, 'invalid-input'])
  const unknown = await first.cli('task', 'publish', '--after', '0'.repeat(26), '--', 'true')
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringMatching(/which this mesh does not know.\n {2}nimbus task ls/)])
  expect((await first.mesh()).tasks).toEqual(before)
})

test('a blocked and a delayed task are cancelled before they run, and so is what comes after', async () => {
  const [first, second] = nodes
  const { ids } = await batch(first, [
    { argv: ['true'], delay: '1h' },
    { argv: ['true'], afterIndex: [0] },
    { argv: ['true'], afterIndex: [1] },
  ])
  expect((await taskWhere(second, ids[2]!, ({ state }) => state === 'blocked', 'blocked')).waiting?.on).toEqual([
    { id: ids[1], state: 'blocked' },
  ])
  expect((await second.cli('task', 'cancel', ids[1]!)).stdout).toBe(`${ids[1]} is cancelled.\n`)
  expect((await ended(second, ids[2]!)).result?.error).toBe(`it comes after task ${ids[1]}, which was cancelled`)
  expect((await second.cli('task', 'cancel', ids[0]!)).code).toBe(0)
  for (const id of ids) expect(await ended(first, id)).toMatchObject({ state: 'cancelled', attempts: [] })
})
