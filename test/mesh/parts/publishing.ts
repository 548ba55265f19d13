// What the simulated mesh is asked to do: tasks of every kind, published anywhere, some cancelled, some under a key of their own.
import { taskId } from '../../../protocols/ids.ts'
import type { Random } from '../../../node/kernel/random.ts'
import { pick } from '../../../node/kernel/random.ts'
import type { Promises } from '../promises.ts'
import type { Plan } from './plans.ts'
import { publishBatch } from '../batch/sim-batch.ts'
import type { SimNames } from './sim-names.ts'
import type { SimNode, World } from './world.ts'

export type Publishing = {
  plan: Plan
  world: World
  random: Random
  promises: Pick<Promises, 'published' | 'acknowledged'>
  names: SimNames | undefined
  /** Nodes that can be asked now. */
  up(): SimNode[]
}

const RECONCILE = ['first', 'newest', 'original', 'longest'] as const
/** Of so many publications one comes with a batch. */
const BATCH_SHARE = 0.2
const LOST_AFTER_MS = [3_000, 6_000, 12_000]

export function publish(stage: Publishing): void {
  const { world, random, promises, plan } = stage
  const node = pick(random, stage.up())
  if (node?.engine === undefined) return
  const nonce = random.bytes(16)
  const createdAt = world.clock.wallMs()
  const id = taskId(node.peer, createdAt, nonce)
  promises.published.add(id)
  const seq = node.engine.append({
    kind: 'task',
    id,
    createdAt,
    nonce,
    spec: {
      kind: 'shell',
      argv: ['true'],
      priority: Math.floor(random.next() * 10),
      attempts: 1,
      ...(random.next() < plan.availableShare ? { claim: 'available' as const, reconcile: pick(random, RECONCILE) ?? 'first' } : {}),
      ...(random.next() < plan.longShare ? { lostAfterMs: pick(random, LOST_AFTER_MS) ?? 0 } : {}),
      ...stage.names?.keys(),
    },
  })
  void node.engine.durable(seq, 1_000).then((result) => {
    world.count(`published ${result}`)
    if (result === 'majority') promises.acknowledged.add(id)
  })
  if (random.next() < BATCH_SHARE) {
    const batch = publishBatch(node, stage.up(), random)
    for (const one of batch.ids) promises.published.add(one)
    world.count('published in batches')
    void node.engine.durable(batch.seq, 1_000).then((result) => {
      if (result === 'majority') for (const one of batch.ids) promises.acknowledged.add(one)
    })
  }
  if (random.next() < 0.2) publishOnce(stage, `key ${Math.floor(random.next() * 4)}`)
  if (random.next() >= 0.1) return
  world.clock.after(random.next() * 3_000, () => {
    const other = pick(random, stage.up())
    if (other?.engine?.fold.task(id) !== undefined) other.engine.append({ kind: 'cancel', task: id })
  })
}

/** The same key at several nodes, together or apart: one task, one run at a time, one result. */
function publishOnce(stage: Publishing, dedupe: string): void {
  const { world, random, promises } = stage
  for (const node of stage.up().filter(() => random.next() < 0.5)) {
    const made = node.engine?.publishOnce({ kind: 'shell', argv: ['once', node.peer], priority: 5, attempts: 1, dedupe })
    if (made === undefined) continue
    promises.published.add(made.id)
    world.count(made.duplicate ? 'found under its key' : 'published under its key')
    if (made.seq === undefined || made.duplicate) continue
    void node.engine?.durable(made.seq, 1_000).then((result) => (result === 'majority' ? promises.acknowledged.add(made.id) : undefined))
  }
}
