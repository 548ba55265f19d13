// What the promise tests share: a mesh of five, publishing over REST, what a task's processes are, and figures. It asserts
// nothing by itself.
import { readdir, readFile } from 'node:fs/promises'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { TaskRequest } from '../../../protocols/http/task-request.ts'
import { createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'

/** Generous: two cores run the mesh, the work and the test. */
export const PATIENCE_MS = 60_000
const ENDED: readonly string[] = ['succeeded', 'failed', 'dead', 'cancelled']

/** A mesh whose keeper group has as many seats as it will ever have. */
export async function meshOf(size: number, flags: readonly string[] = ['--slots', '4']): Promise<RealMesh> {
  const mesh = await createRealMesh()
  try {
    for (let index = 0; index < size; index++) await mesh.add(`n${index + 1}`, [...flags])
    await mesh.settled()
    await seated(mesh.nodes, seatsFor(size))
    return mesh
  } catch (error) {
    await mesh.close()
    throw error
  }
}

const seatsFor = (members: number): number => (members >= 5 ? 5 : members >= 3 ? 3 : 1)

/** Waits until these nodes know one keeper group of that many seats, all reachable. */
export async function seated(nodes: readonly RealNode[], seats: number): Promise<void> {
  await until(
    async () => {
      const groups = (await Promise.all(nodes.map((node) => node.mesh()))).map(({ group }) => group)
      return groups.every((group) => group.seats.length === seats && group.reachable === seats && group.version === groups[0]?.version)
    },
    { what: `${seats} keepers that all nodes know`, timeoutMs: PATIENCE_MS },
  )
}

export type Wish = Partial<TaskRequest> & { argv: string[] }

export async function publish(node: RealNode, wish: Wish): Promise<string> {
  const { status, body } = await node.api<{ id: string }>('/api/tasks', { body: wish })
  if (status !== 201 && status !== 202) throw new Error(`publishing was answered ${status}: ${JSON.stringify(body)}`)
  return body.id
}

/** Waits until this node shows the task as the condition wants it. */
export function taskWhere(
  node: RealNode,
  id: string,
  condition: (task: TaskView) => boolean,
  what: string,
  timeoutMs = PATIENCE_MS,
): Promise<TaskView> {
  return until(
    async () => {
      const { status, body } = await node.api<TaskView>(`/api/tasks/${id}`)
      return status === 200 && condition(body) ? body : undefined
    },
    { what: `task ${id} to be ${what} on ${node.name}`, timeoutMs },
  )
}

export const running = (node: RealNode, id: string): Promise<TaskView> => taskWhere(node, id, (task) => task.state === 'running', 'running')
export const ended = (node: RealNode, id: string): Promise<TaskView> =>
  taskWhere(node, id, (task) => ENDED.includes(task.state) && task.provisional !== true, 'at an end')

/** The node that runs the task now, by the latest attempt. */
export function holderOf(nodes: readonly RealNode[], task: TaskView): RealNode {
  const worker = task.attempts.at(-1)?.worker
  const node = nodes.find(({ ready }) => ready.peerId === worker)
  if (node === undefined) throw new Error(`worker ${worker} of task ${task.id} is no node of this mesh`)
  return node
}

export const outcomes = (task: TaskView): string[] => task.attempts.map(({ outcome }) => outcome)

/** Processes whose environment names this task and epoch, with their state (T: stopped, Z: ended but not reaped). */
export async function processesOf(task: string, epoch: number): Promise<{ pid: number; state: string }[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const variables = (await readFile(`/proc/${pid}/environ`, 'latin1')).split('\0')
        if (!variables.includes(`NIMBUS_TASK=${task}`) || !variables.includes(`NIMBUS_FENCE=${epoch}`)) return []
        const state = /\) (\S)/.exec(await readFile(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? '?'
        return [{ pid: Number(pid), state }]
      } catch {
        return [] // It ended meanwhile, or belongs to somebody else.
      }
    }),
  )
  return found.flat()
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}

/** One line of figures, so that a run of the suite can be quoted. */
export function report(title: string, figures: Record<string, string | number>): void {
  const text = Object.entries(figures).map(
    ([name, value]) => `${name} ${typeof value === 'number' ? Math.round(value * 100) / 100 : value}`,
  )
  process.stdout.write(`  ${title}: ${text.join(', ')}\n`)
}
