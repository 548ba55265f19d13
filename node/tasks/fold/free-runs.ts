// Tasks in available mode, as the fold tells of them: who runs one now, which ends wait to be settled, and which of them is accepted.
// Such a run needs no keeper; only its result goes through the register. Pure.
import type { Outcome } from '../../../protocols/records.ts'
import type { AttemptState } from './attempts.ts'
import type { Fold, TaskState } from './fold.ts'

export type EndedRun = AttemptState & { outcome: Outcome }

export function isAvailable(state: Pick<TaskState, 'task'>): boolean {
  return state.task?.spec.claim === 'available'
}

/** Runs of the present attempt that nobody has heard the end of. */
export function liveRuns({ attempts, value }: TaskState, termEnded: Fold['termEnded']): AttemptState[] {
  return attempts.filter(
    ({ attempt, outcome, holder, term }) =>
      attempt === value.attempt && outcome === undefined && holder !== undefined && (term === undefined || !termEnded(holder, term)),
  )
}

/** The end that is settled next, among those that are known here: by `reconcile`, the first to finish where it says nothing. */
export function provisionalEnd(state: TaskState): EndedRun | undefined {
  const { task, value, attempts } = state
  if (task === undefined || !isAvailable(state) || value.state !== 'free') return undefined
  const ended = attempts.filter(
    (run): run is EndedRun => run.attempt === value.attempt && run.outcome !== undefined && run.outcome.result !== 'lost',
  )
  const started = (run: EndedRun): number => run.startedAt ?? 0
  const by: Record<string, (run: EndedRun) => number> = {
    first: (run) => run.outcome.endedAt,
    newest: (run) => -run.outcome.endedAt,
    original: started,
    longest: (run) => started(run) - run.outcome.endedAt,
  }
  const score = by[task.spec.reconcile ?? 'first'] ?? started
  return ended.reduce<EndedRun | undefined>(
    (best, run) => (best === undefined || score(run) < score(best) || (score(run) === score(best) && run.epoch < best.epoch) ? run : best),
    undefined,
  )
}
