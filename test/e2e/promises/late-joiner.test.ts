// P6: a node that joins after 20,000 tasks comes to the same fold as the others. Its time stands beside a raw copy of the same
// bytes, out of one LevelDB, through a socket, into another.
import { readFile } from 'node:fs/promises'
import { createServer, connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Level } from 'level'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, meshOf, PATIENCE_MS, percentile, publish, report } from './promise-mesh.ts'

const TASKS = 20_000
const BATCH = 500
/** Where a node keeps its blocks. */
const BLOCKS = { gte: 'b/', lt: 'b0' }
/** A wide margin: the aim is 3, a busy machine blurs it, and the figure is printed. */
const RATIO_MAX = 100

let mesh: RealMesh
beforeAll(async () => {
  mesh = await meshOf(3)
})
afterAll(() => mesh?.close())

test('a node that joins after 20,000 tasks reaches the same fold', { timeout: 400_000 }, async () => {
  const [first, second] = mesh.nodes as [RealNode, RealNode]
  const emptyJoinMs = await timed(() => mesh.add('early'))
  const before = await rss(first)
  const batchesMs: number[] = []
  let last = ''
  for (let from = 0; from < TASKS; from += BATCH) {
    // No worker can do this, so nothing runs and the mesh stays as it is.
    const tasks = Array.from({ length: BATCH }, (_, index) => ({
      name: `row ${from + index}`,
      argv: ['sh', '-c', `echo row ${from + index} of a table`],
      skills: ['none'],
    }))
    batchesMs.push(
      await timed(async () => {
        const { status, body } = await first.api<{ ids: string[] }>('/api/tasks', { body: { tasks } })
        expect([status, body.ids.length]).toEqual([201, BATCH])
        last = body.ids.at(-1) ?? ''
      }),
    )
  }
  await sameFold(mesh.nodes)

  const lateMs = await timed(async () => {
    const late = await mesh.add('late')
    await until(async () => (await late.api(`/api/tasks/${last}`)).status === 200, { what: 'the last of the tasks', timeoutMs: 120_000 })
  })
  const hash = await sameFold(mesh.nodes)
  expect(hash).not.toBe('')
  const late = mesh.nodes.at(-1) as RealNode
  expect((await late.mesh()).tasks.ready).toBe(TASKS)
  const memory = await Promise.all(mesh.nodes.map(rss))
  // The new node is a full member: it publishes and works.
  expect((await ended(second, await publish(late, { argv: ['true'], worker: 'late' }))).state).toBe('succeeded')

  await mesh.nodes[1]?.stop()
  const raw = await rawCopy(join(second.dataDir, 'store', 'level'), join(mesh.dir, 'copy'))
  const fetchMs = Math.max(1, lateMs - emptyJoinMs)
  report('a late joiner', { tasks: TASKS, 'start to last task ms': lateMs, 'of it more than joining an empty mesh ms': fetchMs })
  report('a raw copy', { blocks: raw.blocks, bytes: raw.bytes, ms: raw.ms, ratio: fetchMs / raw.ms })
  expect(fetchMs / raw.ms).toBeLessThan(RATIO_MAX)
  report('publishing', { 'tasks a batch': BATCH, 'p50 ms': percentile(batchesMs, 0.5), 'p99 ms': percentile(batchesMs, 0.99) })
  report('resident memory, MiB', { 'before, first': before, 'after, each': memory.join(' ') })
})

async function timed(action: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await action()
  return performance.now() - startedAt
}

async function sameFold(nodes: readonly RealNode[]): Promise<string> {
  return until(
    async () => {
      const hashes = new Set((await Promise.all(nodes.map((node) => node.mesh()))).map(({ foldHash }) => foldHash))
      return hashes.size === 1 ? [...hashes][0] : undefined
    },
    { what: 'one fold hash on all nodes', timeoutMs: PATIENCE_MS, intervalMs: 200 },
  )
}

async function rss(node: RealNode): Promise<number> {
  const kib = /^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${node.ready.pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}

/** Copies all blocks with their keys, length-prefixed, over loopback; ends when they are on the other disk. */
async function rawCopy(from: string, to: string): Promise<{ ms: number; bytes: number; blocks: number }> {
  const source = new Level<string, Uint8Array>(from, { keyEncoding: 'utf8', valueEncoding: 'view', createIfMissing: false })
  const target = new Level<string, Uint8Array>(to, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await Promise.all([source.open(), target.open()])
  const startedAt = performance.now()
  const server = createServer((socket) => void sendAll(source, (bytes) => socket.write(bytes)).then(() => socket.end()))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const pieces: Buffer[] = []
  for await (const piece of connect((server.address() as AddressInfo).port, '127.0.0.1')) pieces.push(piece as Buffer)
  const all = Buffer.concat(pieces)
  const batch = target.batch()
  let blocks = 0
  for (let at = 0; at < all.length; blocks++) {
    const keyEnd = at + 8 + all.readUInt32BE(at)
    const valueEnd = keyEnd + all.readUInt32BE(at + 4)
    batch.put(all.toString('utf8', at + 8, keyEnd), all.subarray(keyEnd, valueEnd))
    at = valueEnd
  }
  await batch.write({ sync: true })
  const ms = performance.now() - startedAt
  server.close()
  await Promise.all([source.close(), target.close()])
  return { ms, bytes: all.length, blocks }
}

async function sendAll(source: Level<string, Uint8Array>, write: (bytes: Uint8Array) => void): Promise<void> {
  for await (const [key, value] of source.iterator(BLOCKS)) {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(Buffer.byteLength(key), 0)
    head.writeUInt32BE(value.length, 4)
    write(Buffer.concat([head, Buffer.from(key), value]))
  }
}
