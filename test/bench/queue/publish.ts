// Throughput of the queue on five nodes, a first look: publications that a majority of the keepers has on disk, and
// `true` claimed, run and settled. A task is a real process here; what a bare job costs in other queues is no task.
import { setTimeout as pause } from 'node:timers/promises'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { watchTasks } from '../event-watch.ts'
import { nowMs, printTable } from '../figures.ts'

const NODES = 5
const IN_FLIGHT = 32
const NOBODY = { argv: ['true'], skills: ['a-skill-that-nobody-has'] }

type Published = { id?: string; ids?: string[]; durability: 'majority' | 'local' }

export async function publish(): Promise<void> {
  const mesh = await createRealMesh()
  try {
    for (let index = 0; index < NODES; index++) await mesh.add(`node-${index + 1}`, ['--slots', '4'])
    await mesh.settled()
    await pause(2_000) // the keepers grow to five
    await publishMany(mesh, 200, 1, 8)
    const rows: (string | number)[][] = []
    rows.push(['publish, one at a time', await publishMany(mesh, 300, 1, 1)])
    rows.push([`publish, ${IN_FLIGHT} in flight`, await publishMany(mesh, 2_000, 1, IN_FLIGHT)])
    rows.push(['publish, batches of 500, 2 in flight', await publishMany(mesh, 10_000, 500, 2)])
    rows.push(['`true` claimed, run and settled', await runMany(mesh.nodes, 200)])
    printTable(`publish: ${NODES} node processes, tasks a second`, ['', 'tasks/s'], rows)
    const { body } = await (mesh.nodes[0] as RealNode).api<{ foldHash: string }>('/api/mesh')
    await until(async () => (await Promise.all(mesh.nodes.map((node) => node.mesh()))).every((view) => view.foldHash === body.foldHash), {
      what: 'equal folds on all nodes',
      timeoutMs: 60_000,
    })
  } finally {
    await mesh.close()
  }
}

/** @returns publications a second, each acknowledged by a majority */
async function publishMany(mesh: RealMesh, count: number, batch: number, inFlight: number): Promise<number> {
  let left = count / batch
  let local = 0
  const client = async (index: number): Promise<void> => {
    const node = mesh.nodes[index % NODES] as RealNode
    while (left-- > 0) {
      const body = batch === 1 ? NOBODY : { tasks: Array.from({ length: batch }, () => NOBODY) }
      const answer = await node.api<Published>('/api/tasks', { body })
      if (answer.status > 202) throw new Error(`publish answered ${answer.status}: ${JSON.stringify(answer.body)}`)
      if (answer.body.durability === 'local') local += batch
    }
  }
  const startMs = nowMs()
  await Promise.all(Array.from({ length: inFlight }, (_, index) => client(index)))
  const seconds = (nowMs() - startMs) / 1000
  if (local > 0) console.log(`  (${local} of ${count} were answered before a majority had them)`)
  return count / seconds
}

/** @returns tasks a second from the first publication to the last settled result */
async function runMany(nodes: readonly RealNode[], count: number): Promise<number> {
  const node = nodes[0] as RealNode
  const watch = await watchTasks(node)
  const startMs = nowMs()
  const { body } = await node.api<Published>('/api/tasks', { body: { tasks: Array.from({ length: count }, () => ({ argv: ['true'] })) } })
  const ids = body.ids ?? []
  await until(() => ids.every((id) => watch.ended.has(id)), { what: `${count} settled tasks`, timeoutMs: 120_000 })
  watch.close()
  return count / ((Math.max(...ids.map((id) => watch.ended.get(id) ?? 0)) - startMs) / 1000)
}
