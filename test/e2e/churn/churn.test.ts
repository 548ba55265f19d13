// P1-P8 under churn: 30 % of the nodes a minute are killed without warning and started again while tasks stream in. Every task
// that was acknowledged comes to one accepted result. By hand: NIMBUS_CHURN_S=600 NIMBUS_CHURN_NODES=10, for ten minutes of ten.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSeededRandom, pick } from '../../../node/kernel/random.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { createWitness, startLoad, upMs, type Witness } from '../../support/witness.ts'
import { meshOf, report } from '../promises/promise-mesh.ts'

/** Two cores have to carry them. */
const NODES = Number(process.env['NIMBUS_CHURN_NODES'] ?? 7)
const CHURN_MS = Number(process.env['NIMBUS_CHURN_S'] ?? 60) * 1000
/** 30 % of the nodes in each minute. */
const KILL_EVERY_MS = 60_000 / (0.3 * NODES)
const DOWN_MIN_MS = 1_000
const DOWN_MAX_MS = 8_000
const REST_MS = 120_000

let mesh: RealMesh
let witness: Witness
beforeAll(async () => {
  mesh = await meshOf(NODES, ['--slots', '2'])
  witness = createWitness(mesh)
}, 300_000)
afterAll(() => mesh?.close())

test('every acknowledged task reaches one accepted result', { timeout: CHURN_MS + REST_MS + 120_000 }, async () => {
  const random = createSeededRandom(1)
  const down = new Set<RealNode>()
  const up = (): RealNode[] => mesh.nodes.filter((node) => !down.has(node))
  const short = startLoad(witness, up, 400)
  // Long enough that most kills hit one of them.
  const long = startLoad(witness, up, 1_500, { beats: 60 })
  const startMs = upMs()
  const returns: Promise<void>[] = []
  let kills = 0
  for (let atMs = startMs + 5_000; atMs < startMs + CHURN_MS; atMs += KILL_EVERY_MS) {
    await until(() => upMs() >= atMs, { what: 'the next kill', timeoutMs: 2 * KILL_EVERY_MS })
    const victim = pick(random, up())
    if (victim === undefined) throw new Error('all nodes are down')
    kills += 1
    down.add(victim)
    await victim.kill()
    const back = comeBack(victim, DOWN_MIN_MS + random.next() * (DOWN_MAX_MS - DOWN_MIN_MS)).then(() => void down.delete(victim))
    back.catch(() => {}) // told below, when all are waited for
    returns.push(back)
  }
  await until(() => upMs() >= startMs + CHURN_MS, { what: 'the end of the churn', timeoutMs: 2 * KILL_EVERY_MS })
  await Promise.all(returns)
  await Promise.all([short.stop(), long.stop()])
  const endMs = upMs()
  const broken = await witness.judge(mesh.nodes, REST_MS)
  const starts = (await witness.lines()).filter(({ word }) => word === 'start')
  const again = starts.filter(({ epoch }) => epoch > 1).length
  report('churn', {
    nodes: NODES,
    seconds: CHURN_MS / 1000,
    kills,
    ...witness.counts,
    'runs again': again,
    's until rest': (upMs() - endMs) / 1000,
  })
  expect(broken).toEqual([])
  // Too mild a churn would prove nothing.
  expect(kills).toBeGreaterThanOrEqual(Math.floor((CHURN_MS - 5_000) / KILL_EVERY_MS))
  expect(again).toBeGreaterThan(0)
  expect(witness.counts.acknowledged).toBeGreaterThan(CHURN_MS / 1_500)
})

async function comeBack(node: RealNode, afterMs: number): Promise<void> {
  const fromMs = upMs()
  await until(() => upMs() - fromMs >= afterMs, { what: 'the restart', timeoutMs: afterMs + 5_000 })
  await node.restart()
}
