// How many tasks there are of each state. What has ended is counted once; only open tasks are looked at when somebody asks,
// since their states change with time.
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskStateName } from '../../../protocols/http/views.ts'
import { taskState } from '../../../protocols/http/views.ts'
import type { TaskState } from '../fold/fold.ts'
import type { StateContext } from '../fold/transitions.ts'
import { stateName } from '../fold/transitions.ts'

export type StateCounts = {
  note(state: TaskState): void
  now(context: StateContext): Record<TaskStateName, number>
}

/** Beyond so many open tasks an answer may be as old as this. */
const OPEN_MANY = 10_000
const KEEP_MS = 100

export function createStateCounts(): StateCounts {
  const open = new Map<TaskId, TaskState>()
  const ended = Object.fromEntries(taskState.options.map((name) => [name, 0])) as Record<TaskStateName, number>
  let last: { counts: Record<TaskStateName, number>; wallMs: number } | undefined
  return {
    note(state) {
      if (state.task === undefined || state.isCounted) return
      if (state.value.state !== 'settled') return void open.set(state.id, state)
      open.delete(state.id)
      state.isCounted = true
      ended[state.value.end ?? 'failed'] += 1
    },
    now(context) {
      const age = context.wallMs - (last?.wallMs ?? -Infinity)
      if (last !== undefined && open.size > OPEN_MANY && age >= 0 && age < KEEP_MS) return last.counts
      const counts = { ...ended }
      for (const state of open.values()) counts[stateName(state, context)] += 1
      last = { counts, wallMs: context.wallMs }
      return counts
    },
  }
}
