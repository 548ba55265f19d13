// A service as it is shown: what is wanted, who holds it, and what that worker says. Pure. What a worker said that does not hold it any
// more is not shown as present.
import type { ServiceView } from '../../protocols/http/services.ts'
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { Service } from './book.ts'
import { taskOf } from './plan.ts'

/** How the task of a service stands: who runs it now, or how it ended. */
export type Holding = { holder?: PeerId; epoch: number; end?: string; reason?: string }

export function serviceViewOf(
  service: Service,
  { holding, nameOf }: { holding(task: TaskId): Holding | undefined; nameOf(peer: PeerId): string },
): ServiceView {
  const { name, generation, revision, desired, spec, rollbackOf, revisions, author, changedAt, told } = service
  const task = taskOf(name, generation)
  const held = holding(task)
  const holder = held?.holder
  const current = told !== undefined && told.generation === generation && told.author === holder && told.epoch === held?.epoch
  const observed = current ? told.observed : undefined
  const isLive = observed?.state === 'running' || observed?.state === 'updating'
  const { failed } = observed ?? {}
  const reason = observed?.reason ?? held?.reason
  return {
    name,
    state: stateOf(desired, held, observed?.state),
    desired: desired === 'running' ? 'running' : 'stopped',
    healthy: isLive,
    ...(holder === undefined ? {} : { worker: holder, workerName: nameOf(holder) }),
    ...(observed?.port === undefined ? {} : { address: `${observed.host ?? '127.0.0.1'}:${observed.port}` }),
    task,
    revision,
    ...(isLive && observed?.revision !== undefined ? { live: observed.revision } : {}),
    ...(observed === undefined ? {} : { since: observed.since }),
    restarts: observed?.restarts ?? 0,
    ...(reason === undefined ? {} : { reason }),
    ...(failed === undefined ? {} : { failed: { revision: failed.revision, reason: failed.reason, at: failed.at } }),
    ...(rollbackOf === undefined ? {} : { rollbackOf }),
    revisions: revisions.map((one) => ({
      revision: one.revision,
      argv: one.spec.argv,
      ...(one.spec.repo === undefined ? {} : { repo: one.spec.repo }),
      ...(one.spec.ref === undefined ? {} : { ref: one.spec.ref }),
    })),
    author,
    authorName: nameOf(author),
    changedAt,
    spec: { ...spec },
  }
}

function stateOf(desired: Service['desired'], held: Holding | undefined, observed: ServiceView['state'] | undefined): ServiceView['state'] {
  if (desired !== 'running') return held === undefined || held.end !== undefined ? 'stopped' : 'stopping'
  if (held?.end !== undefined) return 'ended'
  if (held?.holder === undefined) return 'pending'
  return observed ?? 'preparing'
}
