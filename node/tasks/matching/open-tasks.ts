// The open tasks of this node's view, grouped by what they ask for: tasks of one class fit the same workers, so that
// thousands of tasks which this node may not run cost one look, not thousands.
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskState } from '../fold/fold.ts'

export type Candidate = { task: TaskId; sinceMs: number; retryAtMs: number; cancelled: boolean }
export type TaskClass = { key: string; example: TaskState; byPriority: Map<TaskId, Candidate>[] }

const PRIORITIES = 10

export type OpenTasks = {
  put(state: TaskState, candidate: Candidate): void
  drop(task: TaskId): void
  get(task: TaskId): Candidate | undefined
  classes(): IterableIterator<TaskClass>
  cancelled(): Iterable<Candidate>
  size(): number
}

export function createOpenTasks(): OpenTasks {
  const classes = new Map<string, TaskClass>()
  const places = new Map<TaskId, { taskClass: TaskClass; priority: number; candidate: Candidate }>()
  const cancelled = new Map<TaskId, Candidate>()

  const drop = (task: TaskId): void => {
    const place = places.get(task)
    if (place === undefined) return
    places.delete(task)
    cancelled.delete(task)
    place.taskClass.byPriority[place.priority]?.delete(task)
    if (place.taskClass.byPriority.every((tasks) => tasks.size === 0)) classes.delete(place.taskClass.key)
  }
  return {
    put(state, candidate) {
      drop(state.id)
      const key = classKey(state)
      const priority = state.task?.spec.priority ?? 0
      const taskClass = classes.get(key) ?? {
        key,
        example: state,
        byPriority: Array.from({ length: PRIORITIES }, () => new Map<TaskId, Candidate>()),
      }
      classes.set(key, taskClass)
      taskClass.byPriority[priority]?.set(state.id, candidate)
      places.set(state.id, { taskClass, priority, candidate })
      if (candidate.cancelled) cancelled.set(state.id, candidate)
    },
    drop,
    get: (task) => places.get(task)?.candidate,
    classes: () => classes.values(),
    cancelled: () => cancelled.values(),
    size: () => places.size,
  }
}

/** Everything that a match looks at. */
function classKey(state: TaskState): string {
  const { spec, author } = state.task ?? {}
  return JSON.stringify([author, spec?.kind, spec?.worker, spec?.skills, spec?.roles, spec?.pool, spec?.labels, spec?.repo])
}
