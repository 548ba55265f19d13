// How long a task stands still when the node that runs it is killed or hangs, in meshes of five and of twenty that are busy. Other
// sizes: NIMBUS_FAILOVER_NODES=5,10,20. A node takes about 130 MB.
import { failOnce } from '../e2e/churn/failover.ts'
import { meshOf } from '../e2e/promises/promise-mesh.ts'
import { createWitness, startLoad } from '../support/witness.ts'
import { percentile, printTable } from './figures.ts'

const SIZES = (process.env['NIMBUS_FAILOVER_NODES'] ?? '5,20').split(',').map(Number)
/** Rounds in a mesh of five; a larger one has fewer, because every node that was killed has to come back before the next round. */
const KILLS = 20
const HANGS = 6
/** Between two publications of the load in a mesh of five, and how long each of them works, in tenths of a second. All nodes are on
 * one machine, and each task costs every node something: a larger mesh is given as much less. */
const EVERY_MS = 250
const LOAD_NODES = 5
const BEATS = 3
const REST_MS = 120_000

export async function failover(): Promise<void> {
  const rows: (string | number)[][] = []
  for (const size of SIZES) {
    const { killedMs, hungMs, broken, published } = await measure(size)
    rows.push(
      [`${size} nodes, kill -9`, killedMs.length, ...spread(killedMs)],
      [`${size} nodes, SIGSTOP`, hungMs.length, ...spread(hungMs)],
    )
    console.log(`${size} nodes: ${published} tasks acknowledged, ${broken.length} broken promises ${broken.slice(0, 5).join('; ')}`)
  }
  printTable('failover: milliseconds from the signal to the next run', ['', 'rounds', 'min', 'p50', 'p99'], rows)
}

const spread = (values: readonly number[]): number[] => [Math.min(...values), percentile(values, 0.5), percentile(values, 0.99)]

async function measure(size: number): Promise<{ killedMs: number[]; hungMs: number[]; broken: string[]; published: number }> {
  const mesh = await meshOf(size)
  try {
    const witness = createWitness(mesh)
    const load = startLoad(witness, () => mesh.nodes, EVERY_MS * Math.max(1, (size / LOAD_NODES) ** 2), { beats: BEATS })
    const killedMs: number[] = []
    const hungMs: number[] = []
    const share = Math.min(1, LOAD_NODES / size)
    for (let round = 0; round < KILLS * share; round++) killedMs.push(await failOnce(mesh, witness, `kill-${round}`, 'kill'))
    for (let round = 0; round < HANGS * share; round++) hungMs.push(await failOnce(mesh, witness, `hang-${round}`, 'hang'))
    await load.stop()
    const broken = await witness.judge(mesh.nodes, REST_MS)
    return { killedMs, hungMs, broken, published: witness.counts.acknowledged }
  } finally {
    await mesh.close()
  }
}
