// P3, P4, P7 with real processes: the worker of a running task is killed, twenty times over five nodes. The work itself
// proves that two runs are never alive at once: each holds an exclusive lock outside of its folder until its last process ends.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, holderOf, meshOf, outcomes, PATIENCE_MS, percentile, processesOf, publish, report, running } from './promise-mesh.ts'

const ROUNDS = 20
// The first run takes the lock and stays, with a child that would outlive a careless kill; a later run ends well.
const WORK = `
exec 9>"$LEDGER.lock"
flock -n 9 || echo "overlap $NIMBUS_FENCE" >>"$LEDGER"
echo "start $NIMBUS_FENCE $(date +%s%N)" >>"$LEDGER"
[ "$(head -n 1 "$LEDGER" | cut -d ' ' -f 2)" = "$NIMBUS_FENCE" ] || exit 0
(trap '' TERM HUP; sleep 600) &
wait`

type Start = { fence: number; atMs: number }

let mesh: RealMesh
beforeAll(async () => {
  mesh = await meshOf(5)
})
afterAll(() => mesh?.close())

test('a task whose worker is killed runs again elsewhere and has one result, twenty times', { timeout: 600_000 }, async () => {
  const delaysMs: number[] = []
  for (let round = 0; round < ROUNDS; round++) delaysMs.push(await killOnce(round))
  const p50Ms = percentile(delaysMs, 0.5)
  const p99Ms = percentile(delaysMs, 0.99)
  report('kill -9 of a worker until the second run starts', { rounds: ROUNDS, 'p50 ms': p50Ms, 'p99 ms': p99Ms })
  expect(p99Ms).toBeLessThan(10_000)
})

async function killOnce(round: number): Promise<number> {
  const ledger = join(mesh.dir, `ledger-${round}`)
  const publisher = mesh.nodes[round % mesh.nodes.length] as RealNode
  const id = await publish(publisher, { argv: ['sh', '-c', WORK], env: { LEDGER: ledger } })
  const first = await until(() => startsIn(ledger).then((starts) => starts[0]), { what: 'the first run', timeoutMs: PATIENCE_MS })
  const victim = holderOf(mesh.nodes, await running(publisher, id))
  const others = mesh.nodes.filter((node) => node !== victim)
  const { peerId } = victim.ready

  const killedAtMs = Date.now()
  await victim.kill()
  const second = await until(() => startsIn(ledger).then((starts) => starts[1]), { what: 'the second run', timeoutMs: PATIENCE_MS })
  expect(await processesOf(id, first.fence)).toEqual([])
  for (const node of others) {
    const task = await ended(node, id)
    expect([task.state, outcomes(task)]).toEqual(['succeeded', ['lost', 'succeeded']])
    expect(task.attempts.map(({ worker }) => worker)[0]).toBe(peerId)
    expect(task.attempts[1]?.worker).not.toBe(peerId)
  }
  await victim.restart()
  expect(victim.ready.peerId).toBe(peerId)
  await mesh.settled()
  const seen = await ended(victim, id)
  expect([seen.state, outcomes(seen)]).toEqual(['succeeded', ['lost', 'succeeded']])
  const lines = await readFile(ledger, 'utf8')
  expect(lines).not.toContain('overlap')
  expect(await startsIn(ledger)).toHaveLength(2)
  expect(second.fence).toBeGreaterThan(first.fence)
  return second.atMs - killedAtMs
}

async function startsIn(ledger: string): Promise<Start[]> {
  const text = await readFile(ledger, 'utf8').catch(() => '') // Nothing has run yet.
  return [...text.matchAll(/^start (\d+) (\d+)$/gm)].map(([, fence, nanos]) => ({ fence: Number(fence), atMs: Number(nanos) / 1e6 }))
}
