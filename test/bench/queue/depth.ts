// What a deep queue costs: tasks that nobody can run wait on five nodes; memory, the time of one publication and of one
// list, and from the start of a node that has them all on disk to its first task done.
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { cpuMs, memoryOf, nowMs, percentile, printTable } from '../figures.ts'
import { publishBatches, succeeds } from './nimbus-queue.ts'

const NODES = 5
const DEPTHS = [0, 1_000, 10_000, 100_000]
const SAMPLES = 60
const NOBODY = { argv: ['true'], skills: ['a-skill-that-nobody-has'] }

export async function depth(): Promise<void> {
  const mesh = await createRealMesh()
  try {
    for (let index = 0; index < NODES; index++) await mesh.add(`node-${index + 1}`, ['--slots', '2'])
    await mesh.settled()
    const rows: (string | number)[][] = []
    let baseMb = 0
    for (const tasks of DEPTHS) {
      await fillTo(mesh, tasks)
      const megabytes = await restingMemory(mesh.nodes[1] as RealNode)
      if (tasks === 0) baseMb = megabytes
      rows.push([`${tasks} waiting`, ...(await at(mesh, tasks, megabytes, baseMb))])
    }
    printTable(
      `queue-depth: ${NODES} node processes (MB resident, bytes a task over the empty queue, milliseconds)`,
      ['', 'MB', 'B/task', 'publish p50', 'p99', 'list p50', 'p99', 'ready', 'first task'],
      rows,
    )
  } finally {
    await mesh.close()
  }
}

async function fillTo(mesh: RealMesh, tasks: number): Promise<void> {
  const waiting = async (node: RealNode): Promise<number> => (await node.mesh()).tasks.ready ?? 0
  const missing = tasks - (await waiting(mesh.nodes[0] as RealNode))
  if (missing > 0) await publishBatches(mesh.nodes, missing, NOBODY)
  for (const node of mesh.nodes)
    await until(async () => (await waiting(node)) >= tasks, {
      what: `${tasks} waiting tasks at ${node.name}`,
      timeoutMs: 300_000,
      intervalMs: 100,
    })
}

async function at(mesh: RealMesh, tasks: number, megabytes: number, baseMb: number): Promise<(string | number)[]> {
  const first = mesh.nodes[0] as RealNode
  const last = mesh.nodes.at(-1) as RealNode
  const publishing = await sample(() => publishBatches([first], 1, NOBODY))
  const listing = await sample(async () => void (await first.api('/api/tasks?limit=50')))
  await last.stop()
  const startMs = nowMs()
  await last.restart()
  const readyMs = nowMs() - startMs
  await succeeds(first, { argv: ['true'], worker: last.name })
  const taskMs = nowMs() - startMs
  const perTask = tasks < 10_000 ? '-' : ((megabytes - baseMb) * 2 ** 20) / tasks
  return [
    megabytes,
    perTask,
    ...[publishing, listing].flatMap((times) => [percentile(times, 0.5), percentile(times, 0.99)]),
    readyMs,
    taskMs,
  ]
}

async function sample(once: () => Promise<void>): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < SAMPLES; index++) {
    const startMs = nowMs()
    await once()
    times.push(nowMs() - startMs)
  }
  return times.slice(SAMPLES / 6) // the first ones compile
}

/** Resident memory of a node that has come to rest: idle nodes collect their garbage within seconds. */
async function restingMemory({ ready: { pid } }: RealNode): Promise<number> {
  let used = await cpuMs([pid])
  const isIdle = async (): Promise<boolean> => {
    const before = used
    used = await cpuMs([pid])
    return used - before < 100
  }
  await until(isIdle, { what: 'a node at rest', timeoutMs: 60_000, intervalMs: 2_000 })
  return (await memoryOf(pid)).rss
}
