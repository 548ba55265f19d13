// How much of the queue this node's own publications are: open tasks and their bytes. A quota slows the publisher down where it
// publishes; nothing in the fold depends on it.
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import type { TaskSpec } from '../../protocols/records.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { TaskState } from './fold/fold.ts'

/** Every node keeps every open task in memory. */
export type Quota = { maxOpenTasks: number; maxOpenBytes: number }

export type OwnLoad = {
  note(state: TaskState): void
  open(): { tasks: number; bytes: number }
  /** @throws NimbusError `quota` where these would be too many or too large */
  assertRoom(specs: readonly TaskSpec[], quota: Quota): void
}

export function createOwnLoad(self: PeerId): OwnLoad {
  const sizes = new Map<TaskId, number>()
  let bytes = 0
  return {
    note({ id, task, value }) {
      const size = sizes.get(id)
      if (value.state === 'settled') {
        if (size === undefined) return
        sizes.delete(id)
        bytes -= size
      } else if (size === undefined && task?.author === self) {
        const added = sizeOf(task.spec)
        sizes.set(id, added)
        bytes += added
      }
    },
    open: () => ({ tasks: sizes.size, bytes }),
    assertRoom(specs, { maxOpenTasks, maxOpenBytes }) {
      const tooMany = sizes.size + specs.length > maxOpenTasks
      if (!tooMany && bytes + specs.length * SPEC_BYTES_MIN <= maxOpenBytes && bytes + total(specs) <= maxOpenBytes) return
      const what = specs.length === 1 ? 'This task' : `These ${specs.length} tasks`
      const limit = tooMany
        ? `${sizes.size} tasks of this node are open and ${maxOpenTasks} may be`
        : `the open tasks of this node are ${bytes} bytes and ${maxOpenBytes} may be`
      throw new NimbusError('quota', `${what} would be more than this node may have in the queue: ${limit}.`, {
        kind: 'refused',
        cure: `Wait until some have ended, cancel some, or raise ${tooMany ? 'maxOpenTasks' : 'maxOpenBytes'} in the configuration of this node.`,
      })
    },
  }
}

/** No spec is smaller. */
const SPEC_BYTES_MIN = 32
const known = new WeakMap<TaskSpec, number>()

function total(specs: readonly TaskSpec[]): number {
  return specs.reduce((sum, spec) => sum + sizeOf(spec), 0)
}

function sizeOf(spec: TaskSpec): number {
  let size = known.get(spec)
  if (size === undefined) {
    size = JSON.stringify(spec).length
    known.set(spec, size)
  }
  return size
}
