// P3, P4: a node that hangs (its process is stopped) without dying. Its guardian freezes the work when the lease runs out, the
// task runs elsewhere, and when the node wakes up its old run has no effect any more.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, holderOf, meshOf, outcomes, PATIENCE_MS, processesOf, publish, report, running } from './promise-mesh.ts'

// The first run waits until it is told to go on and would then write; it is frozen before, so nothing may ever be written by it.
const WORK = `
echo "start $NIMBUS_FENCE $(date +%s%N)" >>"$LEDGER"
[ "$(head -n 1 "$LEDGER" | cut -d ' ' -f 2)" = "$NIMBUS_FENCE" ] || exit 0
until [ -e "$LEDGER.go" ]; do sleep 0.05; done
echo "effect $NIMBUS_FENCE" >>"$LEDGER"`

let mesh: RealMesh
beforeAll(async () => {
  mesh = await meshOf(5)
})
afterAll(() => mesh?.close())

test('the work of a node that hangs is frozen, runs elsewhere, and has no late effect', async () => {
  const ledger = join(mesh.dir, 'ledger')
  const [publisher] = mesh.nodes
  if (publisher === undefined) throw new Error('no nodes')
  const id = await publish(publisher, { argv: ['sh', '-c', WORK], env: { LEDGER: ledger } })
  const hung = holderOf(mesh.nodes, await running(publisher, id))
  const others = mesh.nodes.filter((node) => node !== hung)
  const witness = others[0]
  if (witness === undefined) throw new Error('no witness')
  const epoch = (await running(witness, id)).attempts.at(-1)?.epoch ?? 0
  await until(async () => (await processesOf(id, epoch)).length > 0, { what: 'the first run', timeoutMs: PATIENCE_MS })

  const stoppedAtMs = Date.now()
  hung.child.kill('SIGSTOP')
  try {
    const frozen = await until(
      async () => {
        const processes = await processesOf(id, epoch)
        return processes.length > 0 && processes.every(({ state }) => state === 'T') ? Date.now() : undefined
      },
      { what: 'the work of the hung node to be frozen', timeoutMs: PATIENCE_MS },
    )
    // From here on the way is free for the first run; it stands still.
    await writeFile(`${ledger}.go`, '')
    const second = await until(async () => /^start (\d+) (\d+)$/m.exec((await readFile(ledger, 'utf8')).split('\n')[1] ?? ''), {
      what: 'a second run',
      timeoutMs: PATIENCE_MS,
    })
    expect(Number(second[1])).toBeGreaterThan(epoch)
    const startedAtMs = Number(second[2]) / 1e6
    expect(startedAtMs).toBeGreaterThan(frozen - 50) // `frozen` is when it was seen; polls are 20 ms apart
    for (const node of others) expect(outcomes(await ended(node, id))).toEqual(['lost', 'succeeded'])
    report('a node that hangs', {
      'ms until its work is frozen': frozen - stoppedAtMs,
      'ms until the second run': startedAtMs - stoppedAtMs,
    })
    // It hangs well beyond every time limit of the others.
    await until(() => Date.now() - stoppedAtMs > 6_000, { what: 'six seconds to pass', timeoutMs: 10_000 })
    expect((await processesOf(id, epoch)).every(({ state }) => state === 'T')).toBe(true)
  } finally {
    hung.child.kill('SIGCONT')
  }

  await until(async () => (await processesOf(id, epoch)).length === 0, { what: 'the first run to be ended', timeoutMs: PATIENCE_MS })
  await mesh.settled()
  for (const node of mesh.nodes) {
    const task = await ended(node, id)
    expect([node.name, task.state, outcomes(task)]).toEqual([node.name, 'succeeded', ['lost', 'succeeded']])
  }
  expect(await readFile(ledger, 'utf8')).not.toContain('effect')
  // The woken node works again.
  const again = await publish(publisher, { argv: ['true'], worker: hung.name })
  expect(outcomes(await ended(publisher, again))).toEqual(['succeeded'])
})
