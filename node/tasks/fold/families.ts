// Tasks that tasks published, by parent. A view of the fold, kept ready: who asks, asks at each publication and each cancel.
import type { TaskId } from '../../../protocols/ids.ts'
import { CHILDREN_MAX, FAMILY_DEPTH_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { TaskState } from './fold.ts'

export type Families = {
  note(state: TaskState): void
  children(parent: TaskId): Iterable<TaskId>
  /** The task itself, or one that it or its descendants published. */
  isBelow(task: TaskId, ancestor: TaskId): boolean
  /** Throws where a task may publish no more: too many, or too deep. */
  assertRoom(parent: TaskId, count: number): void
}

export function createFamilies(taskOf: (task: TaskId) => TaskState | undefined): Families {
  const byParent = new Map<TaskId, Set<TaskId>>()
  const parentOf = (task: TaskId): TaskId | undefined => taskOf(task)?.task?.spec.parent

  /** Its ancestors, nearest first; as far as a family may go, since a member could write a loop. */
  const lineOf = function* (task: TaskId): Generator<TaskId> {
    let next = parentOf(task)
    for (let depth = 0; next !== undefined && depth <= FAMILY_DEPTH_MAX; depth++) {
      yield next
      next = parentOf(next)
    }
  }
  return {
    note({ id, task }) {
      const parent = task?.spec.parent
      if (parent === undefined) return
      const children = byParent.get(parent) ?? new Set()
      byParent.set(parent, children.add(id))
    },
    children: (parent) => byParent.get(parent) ?? [],
    isBelow: (task, ancestor) => task === ancestor || [...lineOf(task)].includes(ancestor),
    assertRoom(parent, count) {
      const depth = [...lineOf(parent)].length + 1
      if (depth > FAMILY_DEPTH_MAX)
        refuse(
          'too-deep',
          `Task ${parent} is ${depth - 1} levels below the first one; ${FAMILY_DEPTH_MAX} is the limit.`,
          'Let a task above it publish the work.',
        )
      const have = byParent.get(parent)?.size ?? 0
      if (have + count > CHILDREN_MAX)
        refuse(
          'too-many-children',
          `Task ${parent} has published ${have} tasks and wants ${count} more; ${CHILDREN_MAX} is the limit.`,
          'Let its children publish some of them.',
        )
    },
  }
}

function refuse(code: string, message: string, cure: string): never {
  throw new NimbusError(code, message, { kind: 'refused', cure })
}
