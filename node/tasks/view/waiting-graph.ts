// What a task says that waits for other tasks: which, how they stand, and what to do. Pure.
import type { TaskStateName, WaitingView } from '../../../protocols/http/views.ts'
import type { TaskId } from '../../../protocols/ids.ts'
import type { Fold, TaskState } from '../fold/fold.ts'
import type { Graph } from '../fold/graph.ts'
import type { StateContext } from '../fold/transitions.ts'
import { stateName } from '../fold/transitions.ts'

/** A task that another waits for; `unknown` while it has not arrived at this node. */
export type Need = { id: TaskId; name?: string | undefined; state: TaskStateName | 'unknown'; broken: boolean }

const SHOWN_MAX = 5

/** What an open task still waits for, the one that broke it first. */
export function needsOf(
  task: TaskId,
  graph: Pick<Graph, 'waitsFor' | 'brokenBy'>,
  fold: Pick<Fold, 'task'>,
  context: StateContext,
): Need[] {
  const broken = graph.brokenBy(task)
  return graph
    .waitsFor(task)
    .map((id): Need => {
      const state = fold.task(id)
      const known = state?.task !== undefined || state?.value.state === 'settled'
      return {
        id,
        name: state?.task?.spec.name,
        state: state === undefined || !known ? 'unknown' : stateName(state, context),
        broken: id === broken,
      }
    })
    .sort((a, b) => Number(b.broken) - Number(a.broken))
}

export function waitingForOthers({ task, id }: TaskState, needs: readonly Need[]): WaitingView | undefined {
  const [first] = needs
  if (task === undefined || first === undefined) return undefined
  const since = task.createdAt
  const on = needs.slice(0, SHOWN_MAX).map(({ id: need, state }) => ({ id: need, state }))
  const shown = needs
    .slice(0, SHOWN_MAX)
    .map(
      ({ id: need, name, state }) =>
        `${need}${name === undefined ? '' : ` (${name})`} is ${state === 'unknown' ? 'not known here yet' : state}`,
    )
    .join(', ')
  if (first.broken) {
    return {
      code: 'after-failed',
      message: `task ${first.id}, which it comes after, is ${first.state}: it never runs and is being cancelled`,
      since,
      cure: `run that one again with nimbus task retry ${first.id}, then this one with nimbus task retry ${id}`,
      on,
    }
  }
  const all = new Set(task.spec.after ?? []).size
  const rest = needs.length > SHOWN_MAX ? ` and ${needs.length - SHOWN_MAX} more` : ''
  const end = task.spec.afterAny === true ? 'end' : 'succeed'
  return {
    code: 'blocked',
    message: `it waits for ${needs.length === 1 && all === 1 ? 'one task' : `${needs.length} of ${all} tasks`} to ${end}: ${shown}${rest}`,
    since,
    cure: first.state === 'running' ? 'nothing to do while that runs' : `nimbus task why ${first.id} says what that one waits for`,
    on,
  }
}
