// P1, P6: every node is stopped, some of them without warning, and started again: who they are, what was done, what was
// written, who keeps and what all know together is as it was.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, meshOf, outcomes, PATIENCE_MS, publish, report, seated } from './promise-mesh.ts'

const TASKS = 12
/** Bytes that are no text, in both streams, more than one piece of a log. */
const WORK = `head -c 200000 /dev/urandom; printf '\\377\\000end of %s\\n' "$NIMBUS_TASK"; echo "said aside" >&2; exit $((RANDOM_EXIT))`

let mesh: RealMesh
beforeAll(async () => {
  mesh = await meshOf(5)
})
afterAll(() => mesh?.close())

test('a mesh that was stopped as a whole comes back with all that it had', { timeout: 300_000 }, async () => {
  const { nodes } = mesh
  const ids: string[] = []
  for (let index = 0; index < TASKS; index++) {
    ids.push(await publish(at(nodes, index), { name: `made ${index}`, argv: ['sh', '-c', WORK], env: { RANDOM_EXIT: String(index % 3) } }))
  }
  await Promise.all(nodes.flatMap((node) => ids.map((id) => ended(node, id))))
  await sameFold(nodes)
  const before = await memoryOf(nodes, ids)
  expect(before.tasks.map(({ state }) => state)).toEqual(ids.map((_, index) => (index % 3 === 0 ? 'succeeded' : 'failed')))
  expect(before.logs.every((log) => log.length > 200_000)).toBe(true)

  await Promise.all(nodes.map((node, index) => (index % 2 === 0 ? node.kill() : node.stop())))
  const startedAtMs = Date.now()
  await Promise.all(nodes.map((node) => node.restart()))
  await mesh.settled()
  await seated(nodes, 5)
  await sameFold(nodes)
  report('all five nodes started again', { 'ms until they agree': Date.now() - startedAtMs, tasks: TASKS })

  const after = await memoryOf(nodes, ids)
  expect(after.identities).toEqual(before.identities)
  expect(after.tasks).toEqual(before.tasks)
  expect(after.seats).toEqual(before.seats)
  // The fold itself has moved on: it notes that the terms of the nodes before have ended. Nothing of it is lost, and all agree.
  expect(after.entries).toBeGreaterThanOrEqual(before.entries)
  await sameFold(nodes)
  expect(after.logs.map((log, index) => log.equals(before.logs[index] as Buffer))).toEqual(ids.map(() => true))

  const fresh = await Promise.all(nodes.map((node) => publish(node, { argv: ['true'] })))
  const done = await Promise.all(fresh.map((id, index) => ended(at(nodes, index + 1), id)))
  expect(done.map((task) => [task.state, outcomes(task)])).toEqual(fresh.map(() => ['succeeded', ['succeeded']]))
})

const at = (nodes: readonly RealNode[], index: number): RealNode => nodes[index % nodes.length] as RealNode

/** Waits for one fold hash everywhere. */
async function sameFold(nodes: readonly RealNode[]): Promise<void> {
  await until(async () => new Set((await Promise.all(nodes.map((node) => node.mesh()))).map(({ foldHash }) => foldHash)).size === 1, {
    what: 'one fold hash on all nodes',
    timeoutMs: PATIENCE_MS,
  })
}

/** What the mesh knows. Each task and each log is asked of every node, and all must answer the same. */
async function memoryOf(nodes: readonly RealNode[], ids: readonly string[]) {
  const views = await Promise.all(nodes.map((node) => node.mesh()))
  const tasks = []
  const logs: Buffer[] = []
  for (const id of ids) {
    const seen = await Promise.all(nodes.map((node) => node.task(id)))
    for (const task of seen) expect(task).toEqual(seen[0])
    tasks.push(seen[0]!)
    const copies = await Promise.all(nodes.map((node) => logOf(node, id)))
    for (const copy of copies) expect(copy.equals(copies[0] as Buffer)).toBe(true)
    logs.push(copies[0] as Buffer)
  }
  return {
    identities: views.map((view) => [view.self.name, view.self.peerId, view.mesh]),
    seats: views.map(({ group }) => group.seats),
    entries: Math.min(...views.map(({ entries }) => entries)),
    tasks,
    logs,
  }
}

async function logOf(node: RealNode, id: string): Promise<Buffer> {
  const response = await fetch(`${node.ready.http}/api/tasks/${id}/log`, { headers: { authorization: `Bearer ${node.token}` } })
  expect([node.name, response.status]).toEqual([node.name, 200])
  return Buffer.from(await response.arrayBuffer())
}
