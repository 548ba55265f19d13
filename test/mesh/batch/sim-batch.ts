// Publishes batches in the simulator: many joints and some work in one call, each part given to a node that may claim it
// with ballot zero, as real publishers do.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import { lifeOf } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Random } from '../../../node/kernel/random.ts'
import { pick } from '../../../node/kernel/random.ts'
import type { Spread } from '../../../node/tasks/publish.ts'
import type { SimNode } from '../parts/world.ts'

const BATCH_MAX = 24
const JOINT: TaskSpec = { kind: 'noop', argv: [], priority: 5, attempts: 1 }
const WORK: TaskSpec = { ...JOINT, kind: 'shell', argv: ['true'] }

/** @returns the IDs, and the block that a majority has to have */
export function publishBatch(node: SimNode, all: readonly SimNode[], random: Random): { ids: TaskId[]; seq: number } {
  const { engine } = node
  if (engine === undefined) return { ids: [], seq: 0 }
  const specs = Array.from({ length: 2 + Math.floor(random.next() * BATCH_MAX) }, () => (random.next() < 0.8 ? JOINT : WORK))
  const spread: Spread = (_, __, count) => {
    const one = pick(random, all)
    const term = one?.engine?.terms()[0]
    return one === undefined || term === undefined || random.next() < 0.2 ? [] : [[one.peer satisfies PeerId, epochOf(term), count]]
  }
  const made = engine.publisher.publishAll(specs, engine.publisher.drafts(specs), spread)
  return { ids: made.map(({ id }) => id), seq: Math.max(...made.map(({ seq }) => seq ?? 0)) }
}

function epochOf(term: Parameters<typeof lifeOf>[0]): number {
  return Number(lifeOf(term))
}
