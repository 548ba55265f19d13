// P3, P4, P7 under load: workers are killed and stopped while five nodes are busy. What counts is that nothing is lost and no two
// runs overlap; how long each task stood still is printed beside its aim.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RealMesh } from '../../support/real-mesh.ts'
import { createWitness, startLoad, type Witness } from '../../support/witness.ts'
import { meshOf, percentile, report } from '../promises/promise-mesh.ts'
import { failOnce } from './failover.ts'

const KILLS = 8
const HANGS = 3
/** Between two publications of the load. */
const EVERY_MS = 250
const REST_MS = 60_000

let mesh: RealMesh
let witness: Witness
beforeAll(async () => {
  mesh = await meshOf(5)
  witness = createWitness(mesh)
})
afterAll(() => mesh?.close())

test('tasks of killed and of hung nodes run again elsewhere within seconds, while the mesh is busy', { timeout: 600_000 }, async () => {
  const load = startLoad(witness, () => mesh.nodes, EVERY_MS)
  const killedMs: number[] = []
  const hungMs: number[] = []
  for (let round = 0; round < KILLS; round++) killedMs.push(await failOnce(mesh, witness, `kill-${round}`, 'kill'))
  for (let round = 0; round < HANGS; round++) hungMs.push(await failOnce(mesh, witness, `hang-${round}`, 'hang'))
  await load.stop()
  report('under load, kill -9 until the second run starts (aim p50 250, p99 1000)', {
    kills: KILLS,
    'p50 ms': percentile(killedMs, 0.5),
    'p99 ms': percentile(killedMs, 0.99),
  })
  report('under load, SIGSTOP until the second run starts (aim p99 3000)', {
    hangs: HANGS,
    'p50 ms': percentile(hungMs, 0.5),
    'p99 ms': percentile(hungMs, 0.99),
  })
  expect(await witness.judge(mesh.nodes, REST_MS)).toEqual([])
  expect(Math.max(...killedMs)).toBeLessThan(15_000)
  // Never sooner than the lease of the one that hangs can have run out; the last renewal may be half a second old.
  expect(Math.min(...hungMs)).toBeGreaterThan(1_400)
  expect(Math.max(...hungMs)).toBeLessThan(20_000)
})
