// A long row of tasks and many workers that become free at about the same time: they share it out instead of all reaching for the oldest.
import { expect, test } from 'vitest'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { CalmMesh } from '../parts/calm-mesh.ts'
import { startCalmMesh } from '../parts/calm-mesh.ts'

const TASKS = 300
const WORK_MAX_MS = 50
const LONG_MS = 120_000

async function run(mesh: CalmMesh, more: Partial<TaskSpec>): Promise<void> {
  const spec: TaskSpec = { kind: 'shell', argv: ['true'], priority: 5, attempts: 1, ...more }
  const engines = mesh.nodes.map((_, index) => mesh.engine(index))
  const ids = Array.from({ length: TASKS }, (_, index) => engines[index % engines.length]?.publisher.publish(spec).id)
  const isDone = (): boolean => engines.every(({ fold }) => ids.every((id) => id !== undefined && fold.task(id)?.value.state === 'settled'))
  await mesh.until('the whole row is done', isDone, 600_000)
}

test(
  'twelve workers empty a row of tasks with hardly a claim in vain',
  async () => {
    const mesh = await startCalmMesh(3, 12, WORK_MAX_MS)
    await run(mesh, {})
    const conflicts = mesh.nodes.reduce((sum, _, index) => sum + mesh.engine(index).proposer.counters.conflicts, 0)
    console.log(`${TASKS} tasks, twelve workers: ${conflicts} claims in vain`)
    expect(mesh.runs).toHaveLength(TASKS)
    expect(conflicts).toBeLessThan(TASKS / 2)
  },
  LONG_MS,
)

test(
  'in available mode, where nobody is asked, hardly one of them runs twice',
  async () => {
    const mesh = await startCalmMesh(3, 5, WORK_MAX_MS)
    await run(mesh, { claim: 'available' })
    console.log(`${TASKS} available tasks, five workers: ${mesh.runs.length} runs`)
    expect(mesh.runs.length).toBeLessThan(TASKS * 1.5)
  },
  LONG_MS,
)

test(
  'an available task that ends at once is not begun again by its own worker while its end is being written',
  async () => {
    const mesh = await startCalmMesh(3, 5)
    await run(mesh, { kind: 'noop', argv: [], claim: 'available' })
    const begun = mesh.runs.map(({ task, node }) => `${task} ${node}`)
    console.log(`${TASKS} available tasks that end at once, five workers: ${begun.length} runs`)
    expect(new Set(begun).size).toBe(begun.length)
  },
  LONG_MS,
)
