// Refuses a batch whose tasks wait for something that does not exist, for themselves, or for each other in a ring. Pure.
import type { TaskId } from '../../protocols/ids.ts'
import type { TaskSpec } from '../../protocols/records.ts'
import { NimbusError } from '../kernel/errors.ts'

/** @param exists whether a task outside the batch is known */
export function checkGraph(ids: readonly TaskId[], specs: readonly TaskSpec[], exists: (id: TaskId) => boolean): void {
  const places = new Map(ids.map((id, at) => [id, at]))
  for (const [at, { after = [] }] of specs.entries()) {
    for (const need of after) {
      if (need === ids[at])
        throw new NimbusError('after-cycle', `Task ${at} of the batch waits for itself: it would never run.`, {
          kind: 'usage',
          cure: 'Take its own place out of afterIndex.',
        })
      if (!places.has(need) && !exists(need))
        throw new NimbusError('after-unknown', `Task ${at} of the batch waits for ${need}, which this mesh does not know.`, {
          kind: 'usage',
          cure: 'nimbus task ls lists the tasks; publish that one first.',
        })
    }
  }
  const ring = ringIn(specs.map(({ after = [] }) => after.flatMap((need) => places.get(need) ?? [])))
  if (ring === undefined) return
  throw new NimbusError('after-cycle', `Tasks ${ring.join(' -> ')} of the batch wait for each other in a ring: none would ever run.`, {
    kind: 'usage',
    cure: 'Take one of them out of afterIndex.',
  })
}

const SHOWN_MAX = 10

/** The first ring found, as places in the batch; its last is its first. */
function ringIn(needs: readonly (readonly number[])[]): number[] | undefined {
  const state = new Uint8Array(needs.length)
  for (let root = 0; root < needs.length; root++) {
    if (state[root] !== 0) continue
    const path = [{ at: root, next: 0 }]
    state[root] = 1
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const need = needs[top.at]?.[top.next++]
      if (need === undefined) {
        state[top.at] = 2
        path.pop()
      } else if (state[need] === 1) {
        const ring = [...path.map(({ at }) => at).slice(path.findIndex(({ at }) => at === need)), need]
        return ring.length > SHOWN_MAX ? [...ring.slice(0, SHOWN_MAX - 1), need] : ring
      } else if (state[need] === 0) {
        state[need] = 1
        path.push({ at: need, next: 0 })
      }
    }
  }
  return undefined
}
