// A task as users see it. Pure: the fold's state and the names of members in, the shape of the REST API out.
import type { AttemptView, TaskView, WaitingView } from '../../../protocols/http/views.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Outcome } from '../../../protocols/records.ts'
import { hlcToMs } from '../../kernel/hlc.ts'
import type { AttemptState, TaskState } from '../fold/fold.ts'
import { isAvailable, liveRuns, provisionalEnd } from '../fold/free-runs.ts'
import type { StateContext } from '../fold/transitions.ts'
import { stateName } from '../fold/transitions.ts'

export type ViewContext = StateContext & {
  nameOf(peer: PeerId): string
  waiting(state: TaskState): WaitingView | undefined
  progress(state: TaskState): TaskView['progress']
}

/** Undefined while only register values of the task have arrived. */
export function taskView(state: TaskState, context: ViewContext): TaskView | undefined {
  const { task, value } = state
  if (task === undefined) return undefined
  const name = stateName(state, context)
  const attempts = [...state.attempts.values()].filter((attempt) => attempt.holder !== undefined).sort((a, b) => a.epoch - b.epoch)
  const provisional = provisionalEnd(state)
  const free = new Set(isAvailable(state) && value.state === 'free' ? liveRuns(state, context.termEnded) : [])
  const isRunning = (attempt: AttemptState): boolean => free.has(attempt) || (attempt.epoch === value.epoch && name === 'running')
  const waiting = name === 'ready' || name === 'scheduled' || name === 'blocked' ? context.waiting(state) : undefined
  const progress = name === 'running' ? context.progress(state) : undefined
  return {
    id: state.id,
    state: name,
    spec: task.spec,
    author: task.author,
    authorName: context.nameOf(task.author),
    createdAt: task.createdAt,
    updatedAt: hlcToMs(state.updated),
    attempts: attempts.map((attempt) => attemptView(attempt, isRunning(attempt), context)),
    group: 'default',
    ...(value.state === 'settled' ? { result: resultView(value.outcome, hlcToMs(state.updated)) } : {}),
    ...(provisional === undefined ? {} : { result: resultView(provisional.outcome, provisional.outcome.endedAt), provisional: true }),
    ...(waiting === undefined ? {} : { waiting }),
    ...(state.cancel === undefined ? {} : { cancelRequested: true }),
    ...(progress === undefined ? {} : { progress }),
  }
}

function attemptView(attempt: AttemptState, running: boolean, context: ViewContext): AttemptView {
  const { outcome, holder } = attempt
  return {
    epoch: attempt.epoch,
    worker: holder ?? '',
    workerName: holder === undefined ? '' : context.nameOf(holder),
    startedAt: attempt.startedAt ?? 0,
    outcome: outcome?.result ?? (running ? 'running' : 'lost'),
    ...(outcome === undefined ? {} : { endedAt: outcome.endedAt, ...endOf(outcome) }),
  }
}

function resultView(outcome: Outcome | undefined, settledAt: number): NonNullable<TaskView['result']> {
  if (outcome === undefined) return { endedAt: settledAt }
  return {
    endedAt: outcome.endedAt,
    ...endOf(outcome),
    ...(outcome.log === undefined ? {} : { log: { hash: outcome.log.hash, size: outcome.log.size } }),
    ...(outcome.artifacts === undefined ? {} : { artifacts: outcome.artifacts.map(({ path, hash, size }) => ({ path, hash, size })) }),
    ...(outcome.build === undefined ? {} : { build: buildView(outcome.build) }),
    ...(outcome.tail === undefined ? {} : { tail: outcome.tail }),
    ...(outcome.notes === undefined ? {} : { notes: outcome.notes }),
  }
}

function buildView({ commands, commit, failure, reason, flaky, needs, lastGood, cache }: NonNullable<Outcome['build']>) {
  return {
    commands,
    ...(commit === undefined ? {} : { commit }),
    ...(failure === undefined ? {} : { failure }),
    ...(reason === undefined ? {} : { reason }),
    ...(flaky === undefined ? {} : { flaky }),
    ...(lastGood === undefined ? {} : { lastGood: { task: lastGood.task, commit: lastGood.commit } }),
    ...(cache === undefined ? {} : { cache: { key: cache.key, hash: cache.hash, size: cache.size, hit: cache.hit } }),
    ...(needs === undefined ? {} : { needs: needs.map(({ name, version, reason: why }) => toolView(name, version, why)) }),
  }
}

function toolView(name: string, version: string | undefined, reason: string | undefined) {
  return { name, ...(version === undefined ? {} : { version }), ...(reason === undefined ? {} : { reason }) }
}

function endOf(outcome: Outcome): Pick<AttemptView, 'exitCode' | 'signal' | 'timedOut' | 'timeout' | 'error' | 'costUsd'> {
  const { exitCode, signal, timedOut, timeout, error, costUsd } = outcome
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(timedOut === undefined ? {} : { timedOut }),
    ...(error === undefined ? {} : { error }),
  }
}
