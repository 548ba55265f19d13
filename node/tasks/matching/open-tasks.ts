// The open tasks of this node's view, grouped by what they ask for: tasks of one class fit the same workers, so that
// thousands of tasks which this node may not run cost one look, not thousands.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Fold, TaskState } from '../fold/fold.ts'
import { buildAskOf } from '../builds/build-ask.ts'
import { readySince } from '../fold/transitions.ts'
import type { Candidate, OrderedTasks } from './ordered-tasks.ts'
import { createOrderedTasks } from './ordered-tasks.ts'

export type TaskClass = { key: string; example: TaskState; tasks: OrderedTasks }

/** A waiting task rises by one priority in this time, so that none waits for ever behind others. */
const AGEING_MS = 60_000

export type OpenTasks = {
  put(state: TaskState, candidate: Candidate): void
  drop(task: TaskId): void
  get(task: TaskId): Candidate | undefined
  classes(): IterableIterator<TaskClass>
  size(): number
}

/**
 * Which of two tasks comes first: the lower number. A priority is worth a head start of `AGEING_MS`, so the order never changes while
 * tasks wait and nothing has to be sorted again.
 */
export function orderOf(state: TaskState, taskOf: Fold['task']): number {
  return readySince(state, taskOf) - (state.task?.spec.priority ?? 0) * AGEING_MS
}

export function createOpenTasks(): OpenTasks {
  const classes = new Map<string, TaskClass>()
  const places = new Map<TaskId, { taskClass: TaskClass; candidate: Candidate }>()

  const drop = (task: TaskId): void => {
    const place = places.get(task)
    if (place === undefined) return
    places.delete(task)
    place.taskClass.tasks.remove(place.candidate)
    if (place.taskClass.tasks.size() === 0) classes.delete(place.taskClass.key)
  }
  return {
    put(state, candidate) {
      drop(state.id)
      const key = classKey(state)
      const taskClass = classes.get(key) ?? { key, example: state, tasks: createOrderedTasks() }
      classes.set(key, taskClass)
      taskClass.tasks.add(candidate)
      places.set(state.id, { taskClass, candidate })
    },
    drop,
    get: (task) => places.get(task)?.candidate,
    classes: () => classes.values(),
    size: () => places.size,
  }
}

const specKeys = new WeakMap<TaskSpec, string>()

/** Everything that a match looks at. */
function classKey(state: TaskState): string {
  const { task } = state
  if (task === undefined) return ''
  let key = specKeys.get(task.spec)
  if (key === undefined) {
    const { kind, worker, skills, roles, pool, labels, secrets, repo, resources, prefer, concurrency, rate, schedule } = task.spec
    key = JSON.stringify([kind, worker, skills, roles, pool, labels, secrets, repo, resources, prefer, concurrency, rate, schedule?.author])
    specKeys.set(task.spec, key)
  }
  const ask = buildAskOf(state)
  return (task.author satisfies PeerId) + key + (ask === undefined ? '' : JSON.stringify([ask.needs, [...ask.tried.keys()]]))
}
