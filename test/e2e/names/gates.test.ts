// Keys, rates and resources of tasks on real nodes: never more at once than they allow, and a waiting task says why.
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WorkerView } from '../../../protocols/http/views.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, meshOf, publish, taskWhere } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let nodes: RealNode[]

beforeAll(async () => {
  mesh = await meshOf(3)
  nodes = mesh.nodes
}, 120_000)
afterAll(() => mesh?.close())

const journal = async (file: string): Promise<string[]> =>
  (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
/** The most that ran at once, by their own words. */
function mostAtOnce(lines: readonly string[]): number {
  let now = 0
  return Math.max(0, ...lines.map((line) => (now += line === 'begin' ? 1 : -1)))
}

test.each([
  [1, 6],
  [2, 8],
])(
  'with a key of limit %i, %i tasks on three nodes never run more at once, and all of them end',
  async (limit, count) => {
    const file = join(mesh.dir, `key-${limit}`)
    const argv = ['sh', '-c', 'echo begin >> "$0"; sleep 0.2; echo end >> "$0"', file]
    const concurrency = [{ key: `key ${limit}`, limit }]
    const ids = await Promise.all(Array.from({ length: count }, (_, i) => publish(nodes[i % 3]!, { argv, concurrency })))
    for (const id of ids) expect((await ended(nodes[0]!, id)).state).toBe('succeeded')
    const lines = await journal(file)
    expect(lines).toHaveLength(count * 2)
    expect(mostAtOnce(lines)).toBeLessThanOrEqual(limit)
  },
  180_000,
)

test('a task that waits for a key says who holds it, and the loss of that worker frees it', async () => {
  const file = join(mesh.dir, 'begun')
  const concurrency = [{ key: 'crash', limit: 1 }]
  const holder = await publish(nodes[0]!, { argv: ['sh', '-c', 'echo begin >> "$0"; sleep 600', file], concurrency, worker: 'n3' })
  await until(async () => (await journal(file)).length === 1, { what: 'the holder', timeoutMs: 30_000 })
  const waiting = await publish(nodes[1]!, { argv: ['true'], concurrency, worker: 'n2' })
  const seen = await taskWhere(nodes[0]!, waiting, (task) => task.waiting?.code === 'concurrency', 'waiting for the key')
  expect(seen.waiting?.message).toContain(`${holder} on n3`)
  await nodes[2]!.kill()
  const since = performance.now()
  expect((await ended(nodes[0]!, waiting)).state).toBe('succeeded')
  console.log(`key free ${Math.round(performance.now() - since)} ms after kill -9 of its holder's node`)
  await nodes[0]!.cli('task', 'cancel', holder)
  await nodes[2]!.restart()
  await mesh.settled()
}, 180_000)

test('a rate lets so many start in its time, and says when the next one may', async () => {
  const file = join(mesh.dir, 'rate')
  const rate = [{ key: 'api', limit: 2, per: '3s' }]
  const argv = ['sh', '-c', 'date +%s%3N >> "$0"', file]
  const ids = await Promise.all([0, 1, 2, 3, 4].map((i) => publish(nodes[i % 3]!, { argv, rate })))
  await until(
    async () =>
      (await Promise.all(ids.map((id) => nodes[0]!.task(id)))).some((task) =>
        /rate api allows 2 starts in 3000 ms/.test(task.waiting?.message ?? ''),
      ),
    { what: 'a task that waits for the rate', timeoutMs: 20_000 },
  )
  for (const id of ids) await ended(nodes[0]!, id)
  const times = (await journal(file)).map(Number).sort((a, b) => a - b)
  console.log(`starts under 2 in 3 s, ms after the first: ${times.map((time) => time - times[0]!).join(' ')}`)
  expect(times).toHaveLength(5)
  // Counted when they were claimed: the process begins a little later, so the gap is looked at with patience.
  expect(times[4]! - times[0]!).toBeGreaterThan(4_500)
}, 180_000)

test('a machine says what it has; tasks reserve it, and too much waits with the reason', async () => {
  const { items } = (await nodes[0]!.api<{ items: WorkerView[] }>('/api/workers')).body
  const { cpus } = items.find((worker) => worker.name === 'n1')!.resources!
  expect(cpus).toBeGreaterThan(0)
  const file = join(mesh.dir, 'cpus')
  const hold = ['sh', '-c', 'while [ ! -e "$0" ]; do sleep 0.1; done', file]
  const first = await publish(nodes[0]!, { argv: hold, worker: 'n1', resources: { cpus } })
  await taskWhere(nodes[0]!, first, (task) => task.state === 'running', 'running')
  const second = await publish(nodes[0]!, { argv: ['true'], worker: 'n1', resources: { cpus: 1 } })
  await taskWhere(nodes[1]!, second, (task) => task.waiting?.code === 'resources', 'waiting for CPUs')
  const never = await nodes[0]!.cli('task', 'publish', '--cpus', String(cpus + 1), '--', 'true')
  const why = await taskWhere(nodes[1]!, never.stdout.trim(), (task) => task.waiting?.code === 'cpus', 'waiting because of too few CPUs')
  expect(why.waiting).toMatchObject({
    message: expect.stringContaining(`it has ${cpus} CPUs, ${cpus + 1} are needed`),
    cure: expect.stringContaining('--cpus'),
  })
  await appendFile(file, '')
  for (const id of [first, second]) expect((await ended(nodes[0]!, id)).state).toBe('succeeded')
}, 180_000)

test('what no key can keep is refused by name', async () => {
  const refused = (task: object) =>
    nodes[0]!.api<{ code: string }>('/api/tasks', { body: { argv: ['true'], ...task } }).then(({ status, body }) => [status, body.code])
  expect(await refused({ concurrency: [{ key: 'k', limit: 2_000 }] })).toEqual([400, 'concurrency-limit'])
  expect(await refused({ concurrency: [{ key: 'k', limit: 1 }], claim: 'available' })).toEqual([400, 'concurrency-available'])
})
