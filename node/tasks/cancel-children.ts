// A cancelled task takes the tasks that it published with it. The node that published a child cancels it, since it alone sees one
// that comes late; the one that asked for the cancel does so too, in case the other is gone.
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { Entry } from '../../protocols/records.ts'
import type { Families } from './fold/families.ts'
import type { Fold, TaskState } from './fold/fold.ts'

/** Children whose cancel is on its way into the log; at the limit all are forgotten, and some are cancelled twice, which is the same. */
const SENT_MAX = 10_000

export function createChildCancels(components: {
  self: PeerId
  fold: Pick<Fold, 'task'>
  families: Pick<Families, 'children'>
  append(entry: Entry): void
}): { note(state: TaskState): void } {
  const { self, fold, families } = components
  const sent = new Set<TaskId>()

  const cancel = (parent: TaskState, child: TaskState | undefined): void => {
    if (child?.task === undefined || child.cancel !== undefined || child.value.state === 'settled' || sent.has(child.id)) return
    if (child.task.author !== self && parent.cancel?.author !== self) return
    if (sent.size >= SENT_MAX) sent.clear()
    sent.add(child.id)
    components.append({ kind: 'cancel', task: child.id, reason: `its parent ${parent.id} was cancelled` })
  }
  const isCancelled = (state: TaskState): boolean => state.cancel !== undefined && state.value.end !== 'succeeded'
  return {
    note(state) {
      if (isCancelled(state)) for (const child of families.children(state.id)) cancel(state, fold.task(child))
      const parent = state.task?.spec.parent === undefined ? undefined : fold.task(state.task.spec.parent)
      if (parent !== undefined && isCancelled(parent)) cancel(parent, state)
    },
  }
}
