// Finds tasks by a filter and by how they ended.
import { FilterFlaw, parseFilter } from '../../../protocols/filters/filter.ts'
import { TASK_KEYS, taskFacts } from '../../../protocols/filters/task-filter.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import { PUBLISH_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { TaskState } from '../../tasks/fold/fold.ts'
import { stateName } from '../../tasks/fold/transitions.ts'

export type SearchComponents = {
  engine: Pick<Engine, 'newestTasks' | 'fold' | 'graph' | 'states'>
  fleet: { nameOf(peer: PeerId): string }
  clock: { wallMs(): number }
}

/** @throws NimbusError `invalid-filter`, which says where */
export function taskSearch({ engine, fleet, clock }: SearchComponents, text = ''): (state: TaskState) => boolean {
  const filter = parsed(text)
  if (filter.size === 0) return () => true
  const now = clock.wallMs()
  return (state) => {
    const { id, task, value } = state
    if (task === undefined) return false
    const holders = [...state.attempts.values()].flatMap(({ holder }) => (holder === undefined ? [] : [holder]))
    return filter.matches(
      taskFacts(
        {
          id,
          state: stateName(state, engine.states()),
          spec: task.spec,
          author: task.author,
          authorName: fleet.nameOf(task.author),
          createdAt: task.createdAt,
          attempts: holders.map((worker) => ({ worker, workerName: fleet.nameOf(worker) })),
          exitCode: value.outcome?.exitCode,
        },
        now,
      ),
    )
  }
}

function parsed(text: string): ReturnType<typeof parseFilter> {
  try {
    return parseFilter(text, TASK_KEYS)
  } catch (error) {
    if (!(error instanceof FilterFlaw)) throw error
    throw new NimbusError('invalid-filter', error.message, { kind: 'usage', cure: error.cure, cause: error })
  }
}

/** All tasks that ended so and were not run again yet, oldest first. */
export function endedAs(components: SearchComponents, { state, q }: { state: string; q?: string | undefined }): TaskState[] {
  const { engine } = components
  const found: TaskState[] = []
  const matches = taskSearch(components, q)
  for (const id of engine.newestTasks()) {
    const task = engine.fold.task(id)
    if (task?.task === undefined || task.value.end !== state || engine.graph.retriedAs(id) !== undefined || !matches(task)) continue
    found.push(task)
    if (found.length > PUBLISH_MAX)
      throw new NimbusError('too-many', `More than ${PUBLISH_MAX} tasks are ${state}.`, {
        kind: 'usage',
        cure: 'Say which: add a filter (q), or name their IDs.',
      })
  }
  return found.toReversed()
}
