// The records of a task in the fold: who may write one, and which one counts. Pure; tasks of one batch share what is the same.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import { isOnceId, onceId, taskId } from '../../../protocols/ids.ts'
import type { TaskRecord, TasksRecord, TaskSpec } from '../../../protocols/records.ts'
import { batchTaskIds } from '../../../protocols/tasks/task-runs.ts'
import type { TaskBody, TaskState } from './task-state.ts'

/** The body of a record, or undefined where its ID is not its author's to give. */
export function bodyOf(entry: TaskRecord, block: Block): TaskBody | undefined {
  const once = isOnceId(entry.id)
  if (entry.id !== (once ? onceId(entry.spec) : taskId(block.author, entry.createdAt, entry.nonce))) return undefined
  const { createdAt, spec, preferred } = entry
  const body: TaskBody = { author: block.author, createdAt, spec, hlc: block.hlc }
  // Ballot zero has to belong to one node alone: with several records, each with its own `preferred`, it belongs to none.
  return preferred === undefined || once ? body : { ...body, preferred }
}

/** Every task of a batch with its body. */
export function eachOfBatch(
  { createdAt, nonce, first, specs, items, preferred = [] }: TasksRecord,
  block: Block,
  put: (id: TaskId, body: TaskBody) => void,
): void {
  const count = items.reduce((sum, [, many]) => sum + many, 0)
  const ids = batchTaskIds(block.author, createdAt, nonce, first, count)
  const bounds = preferred.map(([, , many]) => many)
  let at = 0
  let whom = 0
  let leftOfWhom = bounds[0] ?? count
  for (const [index, many] of items) {
    const spec = specs[index] as TaskSpec
    for (let left = many; left > 0; ) {
      const who = preferred[whom]
      const body: TaskBody = {
        author: block.author,
        createdAt,
        spec,
        hlc: block.hlc,
        ...(who === undefined ? {} : { preferred: [who[0], who[1]] }),
      }
      const step = Math.min(left, leftOfWhom)
      for (let i = 0; i < step; i++) put(ids[at++] as TaskId, body)
      left -= step
      leftOfWhom -= step
      if (leftOfWhom === 0) leftOfWhom = bounds[++whom] ?? count
    }
  }
}

/**
 * Whether the record changes the task. Where the author binds the ID, only the author itself could write two: the earlier one
 * counts. Where the ID follows from a name, each author may have written one.
 */
export function mergeTask(state: TaskState, body: TaskBody): boolean {
  state.updated = Math.max(state.updated, body.hlc)
  if (!isOnceId(state.id)) {
    if (state.task !== undefined && state.task.hlc <= body.hlc) return false
    state.task = body
    return true
  }
  const records = (state.records ??= new Map<PeerId, TaskBody>())
  const known = records.get(body.author)
  if (known !== undefined && known.hlc <= body.hlc) return false
  records.set(body.author, body)
  chooseRecord(state)
  return true
}

/** The record that the register names, else the earliest. */
export function chooseRecord(state: TaskState): void {
  if (state.records === undefined) return
  const { record } = state.value
  state.task =
    record === undefined
      ? [...state.records.values()].reduce((best, body) => (isEarlier(body, best) ? body : best))
      : state.records.get(record)
}

export function isEarlier(one: { hlc: number; author: PeerId }, than: { hlc: number; author: PeerId }): boolean {
  return one.hlc < than.hlc || (one.hlc === than.hlc && one.author < than.author)
}
