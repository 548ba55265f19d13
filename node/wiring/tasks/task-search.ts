// Finds tasks by words and by how they ended.
import { PUBLISH_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'

/** @param text in lower case */
export function mentions({ id, task }: TaskState, text: string): boolean {
  return `${id} ${task?.spec.name ?? ''} ${task?.spec.argv.join(' ') ?? ''}`.toLowerCase().includes(text)
}

/** All tasks that ended so and were not run again yet, oldest first. */
export function endedAs(
  engine: Pick<Engine, 'newestTasks' | 'fold' | 'graph'>,
  { state, q }: { state: string; q?: string | undefined },
): TaskState[] {
  const found: TaskState[] = []
  const text = q?.toLowerCase()
  for (const id of engine.newestTasks()) {
    const task = engine.fold.task(id)
    if (task?.task === undefined || task.value.end !== state || engine.graph.retriedAs(id) !== undefined) continue
    if (text !== undefined && !mentions(task, text)) continue
    found.push(task)
    if (found.length > PUBLISH_MAX)
      throw new NimbusError('too-many', `More than ${PUBLISH_MAX} tasks are ${state}.`, {
        kind: 'usage',
        cure: 'Say which: add a text that they mention (q), or name their IDs.',
      })
  }
  return found.toReversed()
}
