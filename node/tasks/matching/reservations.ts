// Which resources held tasks have reserved, by holder. Kept ready, since every match asks; tasks that ask for none cost nothing.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { TaskState } from '../fold/fold.ts'

type Wanted = NonNullable<TaskSpec['resources']>
export type Reservations = {
  note(state: TaskState): void
  /** By task, for this holder. */
  of(node: PeerId): ReadonlyMap<TaskId, Wanted>
}

const NONE: ReadonlyMap<TaskId, Wanted> = new Map()

export function createReservations(): Reservations {
  const holders = new Map<TaskId, PeerId>()
  const byHolder = new Map<PeerId, Map<TaskId, Wanted>>()
  return {
    note({ id, task, value }) {
      const before = holders.get(id)
      if (before !== undefined) byHolder.get(before)?.delete(id)
      holders.delete(id)
      const wanted = task?.spec.resources
      if (wanted === undefined || value.state !== 'held' || value.holder === undefined) return
      holders.set(id, value.holder)
      const own = byHolder.get(value.holder) ?? new Map<TaskId, Wanted>()
      byHolder.set(value.holder, own.set(id, wanted))
    },
    of: (node) => byHolder.get(node) ?? NONE,
  }
}
