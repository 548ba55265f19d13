// P1-P8 on a real network that breaks: five nodes in five namespaces, cut apart, deaf, lossy, stopped and killed under a steady
// load. One mesh goes through all of it; after each part everything that was acknowledged must be settled, and the judge looks.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { TaskView } from '../../protocols/http/views.ts'
import { ended, holderOf, outcomes, PATIENCE_MS, report, running, seated, taskWhere } from '../e2e/promises/promise-mesh.ts'
import { createRealMesh, type RealMesh, type RealNode } from '../support/real-mesh.ts'
import { requirement } from '../support/requirements.ts'
import { until } from '../support/until.ts'
import { createWitness, type Load, metricsOf, oneFold, startLoad, upMs, type Witness } from '../support/witness.ts'
import { createNetLab, type NetLab } from './net-lab.ts'
import { passed, watchDead } from './waiting.ts'

const root = requirement('root')
/** A publication each so often; each works for a third of a second. */
const EVERY_MS = 250
/** Nothing decided before a cut can begin later than this: the lease of 2 s, and what an answer needs to be worked on. */
const LEASES_OVER_MS = 2_500
const PARTITION_MS = 30_000
const HANG_MS = 30_000
const LOSS_MS = 20_000
const DEAF_MS = 8_000
const REST_MS = 60_000

describe.skipIf(!root.present)(root.title('five nodes in five network namespaces'), () => {
  let lab: NetLab
  let mesh: RealMesh
  let witness: Witness
  let nodes: RealNode[]
  const loads: Load[] = []
  const load = (targets: () => readonly RealNode[] = () => nodes): Load => {
    const started = startLoad(witness, targets, EVERY_MS)
    loads.push(started)
    return started
  }

  beforeAll(async () => {
    lab = createNetLab(5)
    mesh = await createRealMesh()
    for (const [index, place] of lab.places.entries()) await mesh.add(`n${index + 1}`, ['--slots', '4'], place)
    await mesh.settled()
    await seated(mesh.nodes, 5)
    witness = createWitness(mesh)
    nodes = mesh.nodes
  })
  // What one test leaves behind when it fails must not fail the next ones.
  afterEach(async () => {
    lab.heal()
    for (const { child } of nodes) child.kill('SIGCONT')
    await Promise.all(loads.splice(0).map((one) => one.stop()))
  })
  afterAll(async () => {
    await mesh?.close()
    lab?.close()
  })

  test('two of five, cut off for 30 s, decide nothing; after the heal all agree within seconds', { timeout: 180_000 }, async () => {
    const [here, there] = [nodes[3] as RealNode, nodes[4] as RealNode]
    const majority = nodes.slice(0, 3)
    let reachable = nodes
    const stream = load(() => reachable)
    await until(() => witness.counts.acknowledged >= 8, { what: 'a load', timeoutMs: PATIENCE_MS })
    // It runs on the side that will be cut off, much longer than its lease.
    const held = await witness.publish(here, { beats: 25, worker: here.name })
    await running(here, held?.id ?? '')

    lab.partition([3, 4], [0, 1, 2])
    const cutMs = upMs()
    await passed(cutMs, LEASES_OVER_MS)
    const fromMs = upMs()
    await Promise.all([witness.look(here), witness.look(there)])
    const settledBefore = settledIn(await nodes[0]!.mesh())
    await until(async () => (await here.mesh()).group.reachable === 2, { what: 'two of five keepers', timeoutMs: PATIENCE_MS })

    const fresh = await witness.publish(here)
    expect(fresh?.status).toBe(202)
    for (const node of [here, there]) {
      const waits = await taskWhere(node, fresh?.id ?? '', (task) => task.waiting?.code === 'minority', 'waiting for a majority')
      expect([waits.state, waits.attempts]).toEqual(['ready', []])
    }
    await passed(cutMs, 10_000)
    reachable = nodes.slice(0, 4)
    await there.kill()
    await there.restart()
    reachable = nodes
    expect((await there.task(fresh?.id ?? '')).attempts).toEqual([])
    await passed(cutMs, PARTITION_MS)
    // The kept side worked on meanwhile, and the other one kept what it took in.
    expect(settledIn(await nodes[0]!.mesh())).toBeGreaterThan(settledBefore + 10)
    const waiting = (await here.mesh()).tasks.ready
    expect(waiting).toBeGreaterThan(5)
    await Promise.all([witness.look(here), witness.look(there)])
    witness.observations.push({ kind: 'minority', nodes: [here.name, there.name], fromMs, toMs: upMs() })
    expect((await here.task(fresh?.id ?? '')).attempts).toEqual([])

    const knownThere = new Set((await witness.look(here)).map(({ task }) => task))
    const stopped = stream.stop()
    const dropped = lab.dropped()
    lab.heal()
    const healedMs = upMs()
    await until(async () => (await Promise.all(nodes.map((node) => node.mesh()))).every((view) => view.group.reachable === 5), {
      what: 'all keepers to be reached again',
      timeoutMs: PATIENCE_MS,
    })
    const reachedMs = upMs() - healedMs
    await oneFold(nodes, PATIENCE_MS)
    const agreedMs = upMs() - healedMs
    for (const node of majority) expect(missing(knownThere, await witness.look(node))).toEqual([])
    await stopped
    expect(await witness.judge(nodes, REST_MS)).toEqual([])
    report('healed after 30 s', {
      'ms until all keepers are reached': reachedMs,
      'ms until one fold on all five (aim 3000)': agreedMs,
      'ms until all that waited is done': upMs() - healedMs,
      'tasks that waited': waiting,
      'packets dropped': dropped,
      ...witness.counts,
    })
    expect((await ended(nodes[0]!, fresh?.id ?? '')).state).toBe('succeeded')
    expect(agreedMs).toBeLessThan(20_000)
  })

  test('a holder that hangs for 30 s comes back with a result that nobody takes', { timeout: 150_000 }, async () => {
    const gate = join(mesh.dir, 'gate')
    const stream = load()
    const held = (await witness.publish(nodes[1]!, { gate }))?.id ?? ''
    const hung = holderOf(nodes, await running(nodes[1]!, held))
    await until(async () => (await witness.lines()).some(({ task }) => task === held), { what: 'its first line', timeoutMs: PATIENCE_MS })
    const others = nodes.filter((node) => node !== hung)
    const refusedBefore = await refusedAt(hung)
    const stoppedMs = upMs()
    hung.child.kill('SIGSTOP')
    try {
      // The run ends well, inside its lease, and its node cannot tell.
      await writeFile(gate, '')
      await until(async () => (await witness.lines()).some((line) => line.task === held && line.word === 'end'), {
        what: 'the first run to end',
        timeoutMs: PATIENCE_MS,
      })
      const again = await taskWhere(others[0]!, held, (task) => task.state === 'succeeded', 'done elsewhere')
      expect(outcomes(again)).toEqual(['lost', 'succeeded'])
      const second = await until(async () => (await witness.lines()).find((line) => line.task === held && line.node !== hung.name), {
        what: 'the second run',
        timeoutMs: PATIENCE_MS,
      })
      report('a holder hangs', { 'ms until the second run': second.atMs - stoppedMs })
      await passed(stoppedMs, HANG_MS)
    } finally {
      hung.child.kill('SIGCONT')
    }
    await until(async () => (await refusedAt(hung)) > refusedBefore, { what: 'the late result to be refused', timeoutMs: PATIENCE_MS })
    await stream.stop()
    expect(await witness.judge(nodes, REST_MS)).toEqual([])
    const views = await Promise.all(nodes.map((node) => node.task(held)))
    for (const view of views) expect([outcomes(view), view.result]).toEqual([['lost', 'succeeded'], views[0]?.result])
    expect((await metricsOf(hung)).get('nimbus_fold_conflicts')).toBe(0)
  })

  test('five packets of a hundred lost for 20 s: slower, complete, nobody called dead', { timeout: 120_000 }, async () => {
    const before = { ...witness.counts }
    const droppedBefore = lab.dropped()
    const dead = watchDead(nodes)
    lab.lose(5)
    const startMs = upMs()
    const stream = load()
    await passed(startMs, LOSS_MS)
    const cancelled = await witness.publish(nodes[2]!, { beats: 600 })
    await running(nodes[3]!, cancelled?.id ?? '')
    await witness.cancel(nodes[4]!, cancelled?.id ?? '')
    await stream.stop()
    lab.heal()
    report('5 % loss', {
      'packets dropped': lab.dropped() - droppedBefore,
      acknowledged: witness.counts.acknowledged - before.acknowledged,
      'on one disk at first': witness.counts.local - before.local,
      'times a living node was called dead': await dead.stop(),
    })
    expect(lab.dropped()).toBeGreaterThan(droppedBefore + 20)
    expect(await witness.judge(nodes, REST_MS)).toEqual([])
    expect((await ended(nodes[0]!, cancelled?.id ?? '')).state).toBe('cancelled')
  })

  test('a member that can speak and not hear loses its work, not its place', { timeout: 120_000 }, async () => {
    const [deaf] = nodes.slice(4) as [RealNode]
    const stream = load()
    const held = (await witness.publish(nodes[0]!, { beats: 40 }))?.id ?? ''
    const last = (await witness.publish(nodes[0]!, { beats: 200, worker: deaf.name }))?.id ?? ''
    await running(deaf, last)
    lab.oneWay([0, 1, 2, 3], [4])
    const cutMs = upMs()
    await taskWhere(nodes[0]!, last, (task) => task.attempts.some(({ outcome }) => outcome === 'lost'), 'lost by the deaf one')
    report('deaf', { 'ms until its work is given to others': upMs() - cutMs })
    await passed(cutMs, DEAF_MS)
    lab.heal()
    const healedMs = upMs()
    await mesh.settled()
    report('it hears again', { 'ms until all see each other': upMs() - healedMs })
    await stream.stop()
    expect(await witness.judge(nodes, REST_MS)).toEqual([])
    expect(await outcomeAt(nodes[2]!, held)).toBe('succeeded')
  })

  test('one pair that cannot hear each other one way is helped by the others: nobody is called dead', { timeout: 90_000 }, async () => {
    const dead = watchDead(nodes)
    const stream = load()
    lab.oneWay([3], [4])
    await passed(upMs(), DEAF_MS)
    lab.heal()
    expect(await dead.stop()).toBe(0)
    await stream.stop()
    expect(await witness.judge(nodes, REST_MS)).toEqual([])
    report('the whole laboratory', witness.counts)
  })
})

const settledIn = ({ tasks }: { tasks: Record<TaskView['state'], number> }): number => tasks.succeeded + tasks.cancelled

/** Refused by the keepers, or known to be over before it was offered to them: which of the two comes first is a race. */
async function refusedAt(node: RealNode): Promise<number> {
  const metrics = await metricsOf(node)
  return ['lateRefused', 'lost']
    .map((kind) => metrics.get(`nimbus_runs{kind="${kind}"}`) ?? Number.NaN)
    .reduce((sum, count) => sum + count, 0)
}

const outcomeAt = async (node: RealNode, id: string): Promise<string> => (await ended(node, id)).state

function missing(known: ReadonlySet<string>, shown: readonly { task: string }[]): string[] {
  const there = new Set(shown.map(({ task }) => task))
  return [...known].filter((task) => !there.has(task))
}
