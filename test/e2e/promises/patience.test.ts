// P10: a node hangs for longer than its lease, with work that may be lost for longer. The work is frozen, thaws under the same epoch
// when the node is back, and runs once; the same work without --lost-after would have been run again.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, holderOf, meshOf, outcomes, PATIENCE_MS, processesOf, publish, report, running } from './promise-mesh.ts'

const HANG_MS = 7_000
const WORK = 'echo "start $NIMBUS_FENCE" >>"$LEDGER"; until [ -e "$LEDGER.go" ]; do sleep 0.05; done; echo "end $NIMBUS_FENCE" >>"$LEDGER"'

let mesh: RealMesh
beforeAll(async () => {
  mesh = await meshOf(3)
})
afterAll(() => mesh?.close())

test('work with --lost-after outlives the hang of its node: frozen, then thawed under its epoch', async () => {
  const ledger = join(mesh.dir, 'ledger')
  const publisher = mesh.nodes[0]!
  const id = await publish(publisher, { argv: ['sh', '-c', WORK], env: { LEDGER: ledger }, lostAfter: '30s', worker: 'n3' })
  const task = await running(publisher, id)
  const hung = holderOf(mesh.nodes, task)
  const epoch = task.attempts[0]?.epoch ?? 0
  await until(async () => (await processesOf(id, epoch)).length > 0, { what: 'the run', timeoutMs: PATIENCE_MS })
  const states = async (): Promise<string> => [...new Set((await processesOf(id, epoch)).map(({ state }) => state))].join('')

  const stoppedAtMs = Date.now()
  hung.child.kill('SIGSTOP')
  try {
    await until(async () => (await states()) === 'T', { what: 'the work to be frozen', timeoutMs: PATIENCE_MS })
    const frozenMs = Date.now() - stoppedAtMs
    await until(() => Date.now() - stoppedAtMs > HANG_MS, { what: 'the hang to last', timeoutMs: PATIENCE_MS })
    expect(await states()).toBe('T')
    expect((await publisher.task(id)).attempts).toHaveLength(1)
    report('patience', { 'ms until frozen': frozenMs })
  } finally {
    hung.child.kill('SIGCONT')
  }
  const backAtMs = Date.now()
  await until(async () => /^[RS]+$/.test(await states()), { what: 'the work to be thawed', timeoutMs: PATIENCE_MS })
  report('patience', { 'ms until thawed': Date.now() - backAtMs })
  await writeFile(`${ledger}.go`, '')
  for (const node of mesh.nodes) expect(outcomes(await ended(node, id))).toEqual(['succeeded'])
  expect(await readFile(ledger, 'utf8')).toBe(`start ${epoch}\nend ${epoch}\n`)

  // A crash of the node still frees its work at once: its guardian says so, long before thirty seconds are over.
  const again = await publish(publisher, { argv: ['sleep', '2'], lostAfter: '10m', worker: 'n3' })
  await running(publisher, again)
  const killedAtMs = Date.now()
  await hung.kill()
  const freed = await until(async () => ['ready'].includes((await publisher.task(again)).state), {
    what: 'the task to be free again',
    timeoutMs: 20_000,
  })
  expect(freed).toBe(true)
  report('patience', { 'ms from kill -9 to free': Date.now() - killedAtMs })
  await hung.restart()
  expect(outcomes(await ended(publisher, again))).toEqual(['lost', 'succeeded'])
})
