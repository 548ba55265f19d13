// What a queue promises, through the CLI and REST of three real nodes: one task for one key, graphs, the time in the queue, dead
// letters, pools, quotas, and refusals by name.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PoolView, Problem } from '../../../protocols/http/views.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { ended, meshOf, publish, report, taskWhere } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let nodes: [RealNode, RealNode, RealNode]
beforeAll(async () => {
  mesh = await meshOf(3, ['--slots', '2', '--pool', 'blue'])
  nodes = mesh.nodes as [RealNode, RealNode, RealNode]
})
afterAll(() => mesh?.close())

type Made = { id: string; durability: string; duplicate?: boolean }
type Batch = { ids: string[]; durability: string; duplicates?: string[] }
const batch = async (node: RealNode, tasks: unknown[]): Promise<Batch> => {
  const { status, body } = await node.api<Batch>('/api/tasks', { body: { tasks } })
  expect(status, JSON.stringify(body).slice(0, 300)).toBe(201)
  return body
}
const idOf = (stdout: string): string => (JSON.parse(stdout) as { id: string }).id

test('a key names one task in the whole mesh: whoever publishes it again gets the same one', async () => {
  const [first, second, third] = nodes
  const wish = { argv: ['sh', '-c', 'echo ran'], dedupe: 'nightly', delay: '1s' }
  const made = await first.api<Made>('/api/tasks', { body: wish })
  expect([made.status, made.body.duplicate]).toEqual([201, undefined])
  await taskWhere(second, made.body.id, () => true, 'known')
  const again = await second.api<Made>('/api/tasks', { body: wish })
  expect([again.status, again.body]).toEqual([200, { id: made.body.id, durability: again.body.durability, duplicate: true }])
  const cli = await first.cli('task', 'publish', '--json', '--dedupe', 'nightly', '--', 'echo', 'other')
  expect([cli.code, idOf(cli.stdout)]).toEqual([0, made.body.id])
  const task = await ended(third, made.body.id)
  expect(task).toMatchObject({ state: 'succeeded', spec: { argv: wish.argv } })
  expect(task.attempts.length).toBe(1)
  // Published at the same moment at three nodes: one ID, one run.
  const three = await Promise.all(nodes.map((node) => node.cli('task', 'run', '--json', '--dedupe', 'at once', '--', 'echo', node.name)))
  expect(three.map(({ code }) => code)).toEqual([0, 0, 0])
  const ids = new Set(three.map(({ stdout }) => (JSON.parse(stdout.split('\n')[0] ?? '') as { id: string }).id))
  expect(ids.size).toBe(1)
  const one = await ended(third, [...ids][0] as string)
  expect(one.attempts.length).toBe(1)
  // The list is in order of time, also for IDs that do not begin with one.
  const page = await third.api<{ items: { id: string; createdAt: number }[] }>('/api/tasks?limit=100')
  const times = page.body.items.map(({ createdAt }) => createdAt)
  expect(times).toEqual([...times].sort((a, b) => b - a))
})

test('a body that never ends is refused at the limit, not read', async () => {
  const [first] = nodes
  const piece = new TextEncoder().encode(`"A": "${'x'.repeat(1024 * 1024)}",`)
  let sent = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent >= 1024) return controller.close()
      sent += 1
      controller.enqueue(sent === 1 ? new TextEncoder().encode('{"tasks":[{"argv":["true"],"env":{') : piece)
    },
  })
  const answer = await fetch(`${first.ready.http}/api/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${first.token}`, 'content-type': 'application/json' },
    body,
    duplex: 'half',
  }).then(
    async (response) => ({ status: response.status, code: ((await response.json()) as Problem).code }),
    () => ({ status: 413, code: 'body-too-large' }), // The node closed the connection while a gigabyte was on its way.
  )
  expect(answer).toEqual({ status: 413, code: 'body-too-large' })
  expect(sent).toBeLessThan(200)
})

test('a task that nobody claims in time fails with its queue time-out, and task run ends with 124', async () => {
  const run = await nodes[0].cli('task', 'run', '--queue-timeout', '300ms', '--skill', 'nobody-has-it', '--', 'true')
  expect([run.code, run.stderr]).toEqual([124, expect.stringContaining('timed out')])
  const id = await publish(nodes[1], { argv: ['true'], queueTimeout: '200ms', skills: ['nobody-has-it'] })
  const task = await ended(nodes[2], id)
  expect(task).toMatchObject({ state: 'failed', attempts: [] })
  expect(task.result).toMatchObject({ timedOut: true, timeout: 'queue', error: 'no worker claimed it within its queue time-out of 200ms' })
})

test('dead letters are listed and run again, all or some of them', async () => {
  const [first, second] = nodes
  const { ids } = await batch(
    first,
    ['apple', 'pear'].map((name) => ({ argv: ['false'], name, attempts: 2, backoff: '50ms', backoffMax: '80ms' })),
  )
  for (const id of ids) expect((await ended(second, id)).state).toBe('dead')
  const listed = await second.cli('task', 'ls', '--state', 'dead', '--json')
  expect(new Set(listed.stdout.trim().split('\n').map(idOf))).toEqual(new Set(ids))
  const some = await second.cli('task', 'retry', '--dead', '--search', 'apple', '--json')
  expect(
    some.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { retryOf: string }).retryOf),
  ).toEqual([ids[0]])
  const unclear = await second.cli('task', 'retry')
  expect([unclear.code, unclear.stderr]).toEqual([2, expect.stringContaining('--dead or --failed')])
  // What was run again already is not run a third time; its own retry has died as well and is.
  const retry = (JSON.parse(some.stdout) as { id: string }).id
  expect((await ended(second, retry)).state).toBe('dead')
  const rest = await second.api<{ items: { retryOf: string }[] }>('/api/tasks/retry', { body: { state: 'dead' } })
  expect([rest.status, rest.body.items.map(({ retryOf }) => retryOf)]).toEqual([201, [ids[1], retry]])
  const wrong = await second.api<Problem>('/api/tasks/retry', { body: { state: 'running' } })
  expect([wrong.status, wrong.body.code]).toEqual([400, 'invalid-input'])
})

test('the tasks of a paused pool wait, from every node, until it is resumed', async () => {
  const [first, second, third] = nodes
  expect((await first.cli('pool', 'pause', 'blue')).stdout).toBe('Pool blue is paused: its tasks wait.\n')
  const id = await publish(second, { argv: ['true'], pool: 'blue' })
  const task = await taskWhere(third, id, ({ waiting }) => waiting?.code === 'pool-paused', 'waiting for its pool')
  expect(task.waiting).toMatchObject({ message: 'pool blue is paused', cure: 'nimbus pool resume blue' })
  expect((await ended(third, await publish(second, { argv: ['true'] }))).state, 'others run').toBe('succeeded')
  const [pool] = (await third.api<{ items: PoolView[] }>('/api/pools')).body.items
  expect(pool).toMatchObject({
    name: 'blue',
    paused: true,
    workers: expect.arrayContaining(['n1', 'n2', 'n3']) as string[],
    slots: 6,
    open: 1,
    running: 0,
  })
  expect((await third.cli('pool', 'resume', 'blue')).code).toBe(0)
  expect((await ended(first, id)).state).toBe('succeeded')
  expect((await first.cli('pool', 'ls')).stdout).toMatch(/^POOL +STATE +SLOTS +OPEN +RUNNING +WORKERS *\nblue +runs /)
})

test('ten thousand tasks in one body of many megabytes are published at once, and the node answers others meanwhile', async () => {
  const [first] = nodes
  const text = 'x'.repeat(500)
  const tasks = Array.from({ length: 10_000 }, (_, at) => ({ argv: ['true', String(at)], delay: '1h', env: { FILL: text } }))
  let slowestMs = 0
  let isDone = false
  const watch = (async () => {
    while (!isDone) {
      const startedMs = performance.now()
      await first.api('/api/health')
      slowestMs = Math.max(slowestMs, performance.now() - startedMs)
    }
  })()
  const startedMs = performance.now()
  const { ids } = await batch(first, tasks)
  report('10,000 tasks in one body', {
    bytes: JSON.stringify({ tasks }).length,
    'took ms': performance.now() - startedMs,
    'slowest answer meanwhile ms': slowestMs,
  })
  isDone = true
  await watch
  expect(new Set(ids).size).toBe(10_000)
  const broken = await first.api<Problem>('/api/tasks', {
    body: { tasks: tasks.map((task, at) => (at === 9_000 ? { ...task, priority: 77 } : task)) },
  })
  expect([broken.status, broken.body.code, broken.body.errors?.[0]?.path]).toEqual([400, 'invalid-input', 'tasks.9000.priority'])
})

test('a node has a quota of open tasks: more are refused with a cure', async () => {
  const node = await mesh.add('frugal', ['--slots', '0'])
  await node.stop()
  await writeFile(join(node.dataDir, 'nimbus.config.json'), JSON.stringify({ maxOpenTasks: 3 }))
  await node.restart()
  await mesh.settled()
  const wish = { argv: ['true'], skills: ['nobody-has-it'] }
  const ids = [await publish(node, wish), await publish(node, wish)]
  const refused = await node.api<Problem>('/api/tasks', { body: { tasks: [wish, wish] } })
  expect([refused.status, refused.body.code, refused.body.detail]).toEqual([
    429,
    'quota',
    'These 2 tasks would be more than this node may have in the queue: 2 tasks of this node are open and 3 may be.',
  ])
  const third = await node.cli('task', 'publish', '--skill', 'nobody-has-it', '--json', '--', 'true')
  const cli = await node.cli('task', 'publish', '--', 'true')
  expect([cli.code, cli.stderr]).toEqual([4, expect.stringContaining('maxOpenTasks')])
  // Ended tasks count no more.
  await node.cli('task', 'cancel', ids[0]!)
  expect((await node.cli('task', 'publish', '--', 'true')).code).toBe(0)
  for (const id of [ids[1]!, idOf(third.stdout)]) await node.cli('task', 'cancel', id)
})
