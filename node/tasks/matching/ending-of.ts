// How an open task ends that nobody shall run: the change of its register, with words that say why.
import type { TaskId } from '../../../protocols/ids.ts'
import { formatDuration } from '../../kernel/durations.ts'
import type { Decide } from '../claims/proposer.ts'
import type { Fold } from '../fold/fold.ts'
import type { Graph } from '../fold/graph.ts'
import type { Claimer } from '../fold/transitions.ts'
import { cancelFree, endFree } from '../fold/transitions.ts'
import type { EndReason } from './endings.ts'

export function endingOf(
  task: TaskId,
  reason: EndReason,
  claimer: Claimer,
  { fold, graph }: { fold: Pick<Fold, 'task'>; graph: Pick<Graph, 'brokenBy'> },
): Decide {
  if (reason === 'cancel') return cancelFree(claimer)
  if (reason === 'queue') {
    const limitMs = fold.task(task)?.task?.spec.queueTimeoutMs ?? 0
    const error = `no worker claimed it within its queue time-out of ${formatDuration(limitMs)}`
    return endFree(claimer, 'failed', { error, timedOut: true, timeout: 'queue' })
  }
  const need = graph.brokenBy(task)
  const end = need === undefined ? 'ended' : (fold.task(need)?.value.end ?? 'ended')
  const ended = end === 'failed' || end === 'ended' ? end : end === 'dead' ? 'is dead' : `was ${end}`
  return endFree(claimer, 'cancelled', { error: `it comes after task ${need ?? '?'}, which ${ended}` })
}
