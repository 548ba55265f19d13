// What is different about a run of kind `service`: its command supervises, its folder is filled by that, and its end takes longer.
import type { TaskSpec } from '../../../protocols/records.ts'
import type { WorkOrder } from '../execution.ts'

/** What keeps a service running, as far as its run is concerned. */
export type ServiceRuns = {
  /** @param root the folder of the run. @returns the command that supervises it */
  begin(order: WorkOrder, root: string): string[]
  over(order: WorkOrder): void
}

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2_000
/** Of a service: it finishes what it answers. */
const SERVICE_GRACE_MS = 20_000

export function graceMsOf({ kind }: TaskSpec): number {
  return kind === 'service' ? SERVICE_GRACE_MS : GRACE_MS
}

/** The repository of a service is that of a revision: it stands in the service, and is cloned for it. */
export function preparedAs(order: WorkOrder): WorkOrder {
  if (order.spec.kind !== 'service') return order
  const { repo: _repo, after: _after, ...spec } = order.spec
  return { ...order, spec }
}
