// The output of a settled task outlives the machine that ran it: keepers and the author hold copies by hash.
import { access } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, meshOf, PATIENCE_MS, publish } from './promise-mesh.ts'

let mesh: RealMesh
beforeAll(async () => {
  mesh = await meshOf(3)
}, 60_000)
afterAll(() => mesh.close())

test('the log is read from every other node after its worker is killed', { timeout: 60_000 }, async () => {
  const [first, second, worker] = mesh.nodes
  if (first === undefined || second === undefined || worker === undefined) throw new Error('the mesh has three nodes')
  const id = await publish(first, { argv: ['sh', '-c', 'echo kept; echo beside >&2'], worker: worker.ready.peerId })
  const done = await ended(first, id)
  // The copy is made in the background: killed before it is made, the log would lie on that disk alone.
  const { hash } = done.result?.log ?? { hash: '' }
  expect(hash).toMatch(/^[0-9a-f]{64}$/)
  await until(async () => (await Promise.all([first, second].map((node) => hasBlob(node.dataDir, hash)))).every(Boolean), {
    what: 'copies at the two other keepers',
    timeoutMs: PATIENCE_MS,
  })
  await worker.kill()
  for (const node of [first, second]) {
    const log = await fetch(`${node.ready.http}/api/tasks/${id}/log`, { headers: { authorization: `Bearer ${node.token}` } })
    expect((await log.text()).split('\n').toSorted()).toEqual(['', 'beside', 'kept'])
  }
})

function hasBlob(dataDir: string, hash: string): Promise<boolean> {
  return access(`${dataDir}/blobs/${hash.slice(0, 2)}/${hash}`).then(
    () => true,
    () => false,
  )
}
