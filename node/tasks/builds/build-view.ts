// A build as users see it: the task of kind `build` in the words of builds. Pure.
import type { BuildView } from '../../../protocols/builds/build-views.ts'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { TaskState } from '../fold/fold.ts'

/** What the program that carries out a build says of itself: `install: npm ci`. */
const STEP = /^(install|build|test): (.*)$/s

/** Undefined where the task is no build. */
export function buildView(task: TaskView, state: Pick<TaskState, 'attempts'>): BuildView | undefined {
  const { spec, result, progress, attempts } = task
  if (spec['kind'] !== 'build') return undefined
  const { build } = result ?? {}
  const [, phase, step] = STEP.exec(progress?.message ?? '') ?? []
  const nameOf = new Map(attempts.map(({ epoch, workerName }) => [epoch, workerName]))
  return {
    id: task.id,
    state: task.state,
    repo: textOf(spec['repo']),
    ref: textOf(spec['ref']),
    worker: attempts.at(-1)?.workerName ?? null,
    createdAt: task.createdAt,
    updatedAt: task.updatedAt,
    phase: phase ?? progress?.phase ?? null,
    step: step ?? null,
    percent: progress?.percent ?? null,
    commit: build?.commit ?? null,
    failure: build?.failure ?? null,
    reason: build?.reason ?? null,
    flaky: build?.flaky ?? false,
    lastGood: build?.lastGood ?? null,
    moves: state.attempts.flatMap(({ epoch, outcome }) =>
      outcome?.result !== 'lost' || outcome.build === undefined
        ? []
        : [
            {
              worker: nameOf.get(epoch) ?? '',
              reason: outcome.build.reason ?? outcome.build.failure ?? '',
              needs: (outcome.build.needs ?? []).map(({ name, version, reason }) => ({
                name,
                ...(version === undefined ? {} : { version }),
                ...(reason === undefined ? {} : { reason }),
              })),
            },
          ],
    ),
    artifacts: result?.artifacts ?? [],
    waiting: task.waiting ?? null,
    ...(result?.notes === undefined ? {} : { notes: result.notes }),
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
