// Writes chosen values into this node's log: what is chosen in one turn for many tasks is one record.
import type { TaskId } from '../../../../protocols/ids.ts'
import { REGISTER_BATCH_MAX } from '../../../../protocols/limits.ts'
import type { Entry, RegisterValue } from '../../../../protocols/records.ts'
import { runsOf } from '../../../../protocols/tasks/task-runs.ts'
import { gather } from '../../../kernel/batching.ts'
import type { Fold } from '../../fold/fold.ts'

/** @returns what takes note of a value; one that the log holds already is not written again */
export function createChosenLog(fold: Pick<Fold, 'task'>, append: (entry: Entry) => void): (chosen: [TaskId, RegisterValue]) => void {
  return gather<[TaskId, RegisterValue]>((values) => {
    const news = values.filter(([task, value]) => (fold.task(task)?.value.version ?? -1) < value.version)
    for (const [value, group] of Map.groupBy(news, ([, one]) => one))
      write(
        group.map(([task]) => task),
        value,
        append,
      )
  })
}

function write(tasks: TaskId[], value: RegisterValue, append: (entry: Entry) => void): void {
  for (let at = 0; at < tasks.length; at += REGISTER_BATCH_MAX) {
    const part = tasks.slice(at, at + REGISTER_BATCH_MAX)
    const [only] = part
    if (part.length === 1 && only !== undefined) append({ kind: 'register', task: only, value })
    else append({ kind: 'registers', tasks: runsOf(part), value })
  }
}
