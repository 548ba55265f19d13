// How register operations share messages: tasks many at a time, names, whose values grow with their holders, few.
import type { RegisterKey } from '../../../protocols/ids.ts'
import { isNameKey } from '../../../protocols/ids.ts'
import { NAME_BATCH_MAX, REGISTER_BATCH_MAX } from '../../../protocols/limits.ts'

/** Batches that fit in one message each. */
export function chunks<Op extends { task: RegisterKey }>(ops: readonly Op[]): Op[][] {
  const tasks = ops.filter((op) => !isNameKey(op.task))
  const names = ops.filter((op) => isNameKey(op.task))
  return [...slices(tasks, REGISTER_BATCH_MAX), ...slices(names, NAME_BATCH_MAX)]
}

function slices<Op>(ops: readonly Op[], size: number): Op[][] {
  return Array.from({ length: Math.ceil(ops.length / size) }, (_, i) => ops.slice(i * size, (i + 1) * size))
}
