// P1, P5: three of five keepers are killed. The rest still takes tasks in, says that it keeps them alone, and neither claims nor
// settles; when two come back, what waited is delivered.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, meshOf, outcomes, PATIENCE_MS, processesOf, publish, report, running, seated, taskWhere } from './promise-mesh.ts'

let mesh: RealMesh
beforeAll(async () => {
  mesh = await meshOf(5)
})
afterAll(() => mesh?.close())

test('a minority takes tasks in, decides nothing, and delivers what waited when keepers come back', async () => {
  const [here, there, ...lost] = mesh.nodes as [RealNode, RealNode, ...RealNode[]]
  const gate = join(mesh.dir, 'gate')
  const script = 'until [ -e "$GATE" ]; do sleep 0.05; done; echo finished; exit 7'
  const held = await publish(here, { argv: ['sh', '-c', script], env: { GATE: gate }, worker: there.name })
  const epoch = (await running(here, held)).attempts[0]?.epoch
  await taskWhere(there, held, (task) => task.state === 'running', 'running')

  // The gate opens first, so that the run may end before the lease does; the keepers die before it can be told.
  await Promise.all(lost.map((node) => node.kill()))
  await writeFile(gate, '')
  await until(async () => (await processesOf(held, epoch ?? 0)).length === 0, { what: 'the run to end', timeoutMs: PATIENCE_MS })
  await until(async () => (await here.mesh()).group.reachable === 2, { what: 'two of five keepers', timeoutMs: PATIENCE_MS })

  const answer = await here.api<{ id: string; durability: string }>('/api/tasks', { body: { argv: ['true'] } })
  expect([answer.status, answer.body.durability]).toEqual([202, 'local'])
  const fresh = answer.body.id
  for (const node of [here, there]) {
    const waits = await taskWhere(node, fresh, (task) => task.waiting?.code === 'minority', 'waiting for a majority')
    expect(waits.state).toBe('ready')
    expect(waits.waiting?.message).toContain('2 of 5 keepers')
    expect(waits.waiting?.cure).not.toBe('')
    expect(waits.attempts).toEqual([])
  }
  // Long after every lease has run out, nothing has been decided.
  const quietUntilMs = Date.now() + 5_000
  await until(() => Date.now() > quietUntilMs, { what: 'five seconds to pass', timeoutMs: 8_000 })
  for (const node of [here, there]) {
    expect((await node.task(fresh)).attempts).toEqual([])
    const unsettled = await node.task(held)
    expect(unsettled.result === undefined || unsettled.provisional === true).toBe(true)
  }

  const healedAtMs = Date.now()
  await Promise.all(lost.slice(0, 2).map((node) => node.restart()))
  const alive = [here, there, ...lost.slice(0, 2)]
  for (const node of alive) expect((await ended(node, fresh)).state).toBe('succeeded')
  const settled = await Promise.all(alive.map((node) => ended(node, held)))
  report('two keepers came back', {
    'ms until all that waited is done': Date.now() - healedAtMs,
    attempts: outcomes(settled[0]!).join('+'),
  })
  for (const task of settled) {
    expect(task.result).toEqual(settled[0]?.result)
    expect([task.state, task.result?.exitCode, task.attempts.at(-1)?.outcome]).toEqual(['failed', 7, 'failed'])
  }
  expect(settled[0]?.attempts[0]?.epoch).toBe(epoch)

  await lost[2]?.restart()
  await mesh.settled()
  await seated(mesh.nodes, 5)
  expect((await ended(lost[2] as RealNode, held)).result).toEqual(settled[0]?.result)
})
