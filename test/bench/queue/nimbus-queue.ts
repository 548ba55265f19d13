// Nimbus as a contender: five node processes, every task on five disks, claimed at a majority of five keepers.
import { setTimeout as pause } from 'node:timers/promises'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import type { EventWatch } from '../event-watch.ts'
import { watchTasks } from '../event-watch.ts'
import { nowMs } from '../figures.ts'
import type { Contender } from './contender.ts'

const BATCH = 1_000
const NOOP = { kind: 'noop' }
const AVAILABLE = { kind: 'noop', claim: 'available' }

export type NimbusContender = Contender & { mesh: RealMesh }

export async function createNimbus(nodes: number, task: object = NOOP): Promise<NimbusContender> {
  const mesh = await createRealMesh()
  for (let index = 0; index < nodes; index++) await mesh.add(`node-${index + 1}`, ['--slots', '4'])
  await mesh.settled()
  await pause(2_000) // the keepers grow
  return { ...nimbusOn(mesh, `Nimbus, ${nodes} nodes, fsync on each`, task), mesh, close: mesh.close }
}

/** The same five processes in the mode that runs a task without asking the keepers first. */
export const availableMode = ({ mesh }: NimbusContender): Contender => ({
  ...nimbusOn(mesh, 'Nimbus, available mode', AVAILABLE),
  slower: 20,
})

/** Closing it leaves the mesh to whom it belongs. */
function nimbusOn(mesh: RealMesh, name: string, task: object): Contender {
  const first = mesh.nodes[0] as RealNode
  let watch: EventWatch | undefined
  const unwatch = (): void => {
    watch?.close()
    watch = undefined
  }
  const succeeded = async (node: RealNode): Promise<number> => (await node.mesh()).tasks.succeeded ?? 0
  return {
    name,
    pids: () => mesh.nodes.map((node) => node.ready.pid),
    async run(count) {
      unwatch()
      const before = await succeeded(first)
      await publishBatches(mesh.nodes, count, task)
      // Not the node that published the last one alone: every node knows the end of every task.
      for (const node of mesh.nodes)
        await until(async () => (await succeeded(node)) - before >= count, {
          what: `${count} settled tasks at ${node.name}`,
          timeoutMs: 180_000,
          intervalMs: 25,
        })
    },
    async one() {
      const following = (watch ??= await watchTasks(first))
      const startMs = nowMs()
      const { id } = await publish(first, task)
      return (await until(() => following.ended.get(id ?? ''), { what: `task ${id}`, timeoutMs: 30_000, intervalMs: 1 })) - startMs
    },
    close: () => Promise.resolve(unwatch()),
  }
}

/** Publishes a task `count` times in batches, one under way at each node. */
export async function publishBatches(nodes: readonly RealNode[], count: number, task: object): Promise<void> {
  let next = 0
  const client = async (node: RealNode): Promise<void> => {
    while (next < count) {
      const size = Math.min(BATCH, count - next)
      next += size
      await publish(node, size === 1 ? task : { tasks: Array.from({ length: size }, () => task) })
    }
  }
  await Promise.all(nodes.map(client))
}

/** Publishes one task and waits until it has succeeded. */
export async function succeeds(node: RealNode, task: object): Promise<void> {
  const { id } = await publish(node, task)
  await until(async () => (await node.task(id ?? '')).state === 'succeeded', { what: `task ${id}`, timeoutMs: 60_000, intervalMs: 5 })
}

async function publish(node: RealNode, body: object): Promise<{ id?: string }> {
  const answer = await node.api<{ id?: string; durability?: string }>('/api/tasks', { body })
  if (answer.status > 202) throw new Error(`publish answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}
