// Who holds what, by the fold: kept ready for the seats, which watch the leases behind it.
import type { PeerId, TaskId, Term } from '../../../protocols/ids.ts'
import { lifeOf } from '../../../protocols/ids.ts'
import type { TaskState } from './fold.ts'

export type Holdings = {
  note(state: TaskState): void
  /** Each term that holds a task, once. */
  terms(): { node: PeerId; term: Term }[]
  /** `term` may be a whole life. */
  of(node: PeerId, term: Term): TaskId[]
  by(node: PeerId): TaskId[]
}

export function createHoldings(): Holdings {
  const held = new Map<TaskId, { node: PeerId; term: Term }>()
  const tasks = (match: (holder: { node: PeerId; term: Term }) => boolean): TaskId[] =>
    [...held].flatMap(([task, holder]) => (match(holder) ? [task] : []))
  return {
    note({ id, value }) {
      if (value.state === 'held' && value.holder !== undefined && value.term !== undefined)
        held.set(id, { node: value.holder, term: value.term })
      else held.delete(id)
    },
    terms: () => [...new Map([...held.values()].map((holder) => [`${holder.node}/${holder.term}`, holder])).values()],
    of: (node, term) => tasks((holder) => holder.node === node && (holder.term === term || lifeOf(holder.term) === term)),
    by: (node) => tasks((holder) => holder.node === node),
  }
}
