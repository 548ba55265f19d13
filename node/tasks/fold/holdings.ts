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
  type Held = { node: PeerId; term: Term; tasks: Set<TaskId> }
  const byTerm = new Map<string, Held>()
  const placeOf = new Map<TaskId, Held>()
  const leave = (id: TaskId): void => {
    const place = placeOf.get(id)
    if (place === undefined) return
    placeOf.delete(id)
    place.tasks.delete(id)
    if (place.tasks.size === 0) byTerm.delete(`${place.node}/${place.term}`)
  }
  const tasks = (match: (holder: Held) => boolean): TaskId[] =>
    [...byTerm.values()].flatMap((holder) => (match(holder) ? [...holder.tasks] : []))
  return {
    note({ id, value }) {
      const { holder: node, term } = value
      leave(id)
      if (value.state !== 'held' || node === undefined || term === undefined) return
      const key = `${node}/${term}`
      const place = byTerm.get(key) ?? { node, term, tasks: new Set() }
      byTerm.set(key, place)
      place.tasks.add(id)
      placeOf.set(id, place)
    },
    terms: () => [...byTerm.values()].map(({ node, term }) => ({ node, term })),
    of: (node, term) => tasks((holder) => holder.node === node && (holder.term === term || lifeOf(holder.term) === term)),
    by: (node) => tasks((holder) => holder.node === node),
  }
}
