// Publishes what follows failed builds. The node that published a build and the one that ran it last both do, and after a restart again:
// what follows has one ID in the mesh, so it is there once, and one of the two is enough.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import { followUpsOf } from '../../tasks/builds/follow-ups.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'

export type BuildRecovery = { note(state: TaskState): void }

/** Builds that wait for the queue to be ready; beyond it the oldest waits for the next start. */
const WAITING_MAX = 1_000

/** @param engine asked a moment later: while the logs are read at a start it is not there yet */
export function createBuildRecovery(components: {
  self: PeerId
  clock: Clock
  engine(): Pick<Engine, 'publishOnce' | 'fold'>
  onError(error: unknown): void
}): BuildRecovery {
  const { self, clock } = components
  const waiting = new Set<TaskId>()
  const publish = (): void => {
    try {
      const engine = components.engine()
      for (const id of waiting) {
        waiting.delete(id)
        const state = engine.fold.task(id)
        for (const spec of state === undefined ? [] : followUpsOf(state)) engine.publishOnce(spec)
      }
    } catch (error) {
      components.onError(error)
    }
  }
  return {
    note(state) {
      const { task, attempts, id } = state
      const isOurs = task?.author === self || attempts.at(-1)?.holder === self
      if (!isOurs || followUpsOf(state).length === 0) return
      if (waiting.size >= WAITING_MAX) waiting.delete(waiting.values().next().value as TaskId)
      waiting.add(id)
      if (waiting.size === 1) clock.after(0, publish)
    },
  }
}
