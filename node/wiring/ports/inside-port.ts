// What work asks of its node: to note how far it is, and to wait for tasks that it published.
import type { TaskView } from '../../../protocols/http/views.ts'
import type { TaskId } from '../../../protocols/ids.ts'
import { isTaskId } from '../../../protocols/ids.ts'
import type { NodePort } from '../../api/ports.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import type { ShellWork } from '../../tasks/work/shell-work.ts'

export type InsidePort = Pick<NodePort, 'reportProgress' | 'isBelow' | 'waitFor'>

export function createInsidePort(components: {
  engine: Pick<Engine, 'fold' | 'families' | 'execution' | 'changed'>
  work: Pick<ShellWork, 'report'>
  viewOf(state: TaskState): TaskView | undefined
}): InsidePort {
  const { engine, work } = components
  const known = (id: string): TaskState => {
    const state = isTaskId(id) ? engine.fold.task(id) : undefined
    if (state !== undefined) return state
    throw new NimbusError('task-unknown', `There is no task ${id}.`, { kind: 'missing', cure: 'nimbus task ls lists them.' })
  }
  return {
    reportProgress(id, report) {
      if (work.report(known(id).id, report)) return
      throw new NimbusError('task-not-here', `Task ${id} does not run on this worker now.`, {
        kind: 'refused',
        cure: 'Only the work itself says how far it is, at the address in NIMBUS_URL.',
      })
    },
    isBelow: (task, ancestor) => isTaskId(task) && engine.families.isBelow(task, ancestor as TaskId),
    async waitFor(id, { by, signal }) {
      const state = known(id)
      // Its own end would never come while it waits for it.
      const release = by === undefined || by === id ? () => {} : engine.execution.park(by as TaskId)
      try {
        while (state.value.state !== 'settled' && !signal.aborted) await engine.changed(state.id, signal)
      } finally {
        release()
      }
      const view = components.viewOf(known(id))
      if (view === undefined) throw new NimbusError('task-unknown', `Task ${id} has not arrived at this node yet.`, { kind: 'missing' })
      return view
    },
  }
}
