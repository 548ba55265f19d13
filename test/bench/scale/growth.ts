// One mesh of real node processes that grows: throughput of tasks that do nothing, from a publication until all nodes tell of it,
// and what arrives at a node over its links. All of them share one machine, so that more nodes have less of it each.
import { setTimeout as pause } from 'node:timers/promises'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { watchTasks } from '../event-watch.ts'
import { nowMs, percentile, printTable } from '../figures.ts'
import { publishBatches } from '../queue/nimbus-queue.ts'
import type { Point } from './results.ts'
import { keepResults } from './results.ts'

const SIZES = [1, 2, 5, 10, 20]
const TASKS = 1_000
const SAMPLES = 40
const PERIOD_MS = 100
const IDLE_MS = 15_000
const PATIENCE_MS = 240_000

export async function growth(): Promise<void> {
  const mesh = await createRealMesh()
  const points: Point[] = []
  try {
    for (const size of SIZES) {
      while (mesh.nodes.length < size) await mesh.add(`node-${mesh.nodes.length + 1}`, ['--slots', '4'])
      await allAlive(mesh)
      points.push(await measure(mesh))
      console.log(`  ${JSON.stringify(points.at(-1))}`) // a large mesh takes its time: what was seen before it is not lost
    }
  } finally {
    await mesh.close()
  }
  const columns = Object.keys(points[0] ?? {})
  printTable(
    `growth: real node processes on one machine, ${TASKS} tasks that do nothing, ${SAMPLES} single publications (bytes: frames of links, before encryption)`,
    columns,
    points.map((point) => columns.map((column) => (column === 'nodes' ? String(point[column]) : (point[column] ?? Number.NaN)))),
  )
  await keepResults('growth', points, [
    { title: 'tasks a second, one machine', columns: ['tasks/s'] },
    { title: 'from publication to all nodes (ms)', columns: ['on all nodes, p50 (ms)', 'on all nodes, p99 (ms)'] },
    { title: 'bytes at one node', columns: ['B/task and node', 'idle B/s and node'] },
  ])
}

async function measure(mesh: RealMesh): Promise<Point> {
  const size = mesh.nodes.length
  await runMany(mesh, TASKS / 5) // compiles, and lets neighbours settle
  const before = await received(mesh)
  await pause(IDLE_MS)
  const idle = ((await received(mesh)) - before) / size / (IDLE_MS / 1000)
  const atRest = await received(mesh)
  const perSecond = await runMany(mesh, TASKS)
  const perTask = ((await received(mesh)) - atRest) / size / TASKS
  const visible = await visibleOnAll(mesh)
  return {
    nodes: size,
    'tasks/s': perSecond,
    'on all nodes, p50 (ms)': percentile(visible, 0.5),
    'on all nodes, p99 (ms)': percentile(visible, 0.99),
    'B/task and node': perTask,
    'idle B/s and node': idle,
  }
}

async function allAlive(mesh: RealMesh): Promise<void> {
  const size = mesh.nodes.length
  const sees = async (node: RealNode): Promise<boolean> => {
    const { members, group } = await node.mesh()
    return (
      members.filter((member) => member.state === 'alive').length === size && group.seats.length === Math.min(5, size - ((size + 1) % 2))
    )
  }
  const all = async (): Promise<boolean> => (await Promise.all(mesh.nodes.map(sees))).every(Boolean)
  await until(all, { what: `${size} nodes that see each other`, timeoutMs: PATIENCE_MS, intervalMs: 500 })
}

/** @returns tasks a second, from the first publication until every node knows the end of each */
async function runMany(mesh: RealMesh, count: number): Promise<number> {
  const succeeded = async (node: RealNode): Promise<number> => (await node.mesh()).tasks.succeeded ?? 0
  const before = await succeeded(mesh.nodes[0] as RealNode)
  const startMs = nowMs()
  await publishBatches(mesh.nodes, count, { kind: 'noop' })
  for (const node of mesh.nodes)
    await until(async () => (await succeeded(node)) - before >= count, {
      what: `${count} settled tasks at ${node.name}`,
      timeoutMs: PATIENCE_MS,
      intervalMs: 50,
    })
  return count / ((nowMs() - startMs) / 1000)
}

async function visibleOnAll(mesh: RealMesh): Promise<number[]> {
  const watches = await Promise.all(mesh.nodes.map(watchTasks))
  const times: number[] = []
  for (let index = 0; index < SAMPLES; index++) {
    const node = mesh.nodes[index % mesh.nodes.length] as RealNode
    const next = pause(PERIOD_MS)
    const startMs = nowMs()
    const { body } = await node.api<{ id: string }>('/api/tasks', { body: { kind: 'noop', skills: ['a-skill-that-nobody-has'] } })
    await until(() => watches.every((watch) => watch.seenMs(body.id) !== undefined), {
      what: `task ${body.id} on all nodes`,
      intervalMs: 5,
    })
    times.push(Math.max(...watches.map((watch) => watch.seenMs(body.id) ?? 0)) - startMs)
    await next
  }
  for (const watch of watches) watch.close()
  return times
}

/** Bytes of frames that came in over links, at all nodes together. */
async function received(mesh: RealMesh): Promise<number> {
  const pages = await Promise.all(
    mesh.nodes.map(async (node) => {
      const page = await fetch(`${node.ready.http}/metrics`, { headers: { authorization: `Bearer ${node.token}` } })
      return page.text()
    }),
  )
  return pages.reduce((sum, page) => sum + Number(/^nimbus_link_received_bytes (\d+)/m.exec(page)?.[1] ?? 0), 0)
}
