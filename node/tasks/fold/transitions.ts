// The pure changes of a task's register (decision 0001, table "Registers") and the state that users see.
import type { PeerId, TaskId, Term } from '../../../protocols/ids.ts'
import type { AnswerValue } from '../../../protocols/agents/question.ts'
import type { Outcome, RegisterValue, TaskSpec } from '../../../protocols/records.ts'
import type { TaskStateName } from '../../../protocols/http/views.ts'
import type { Fold, TaskState } from './fold.ts'
import type { EndedRun } from './free-runs.ts'
import { isAvailable, liveRuns, provisionalEnd } from './free-runs.ts'
import type { Decide } from '../claims/proposer.ts'

/** The first pause between two attempts, and the longest, where the task names none. */
const BACKOFF_FIRST_MS = 1_000
const BACKOFF_MAX_MS = 60_000

export type Claimer = {
  node: PeerId
  term: Term
  wallMs: number
  termEnded(node: PeerId, term: Term): boolean
  /** Of a task that several members published: whose record this node sees, and binds with its change. */
  record?: PeerId | undefined
}

/** Claim or take over. Refuses with `held`, `settled`, `early` or `mine`. */
export function claim(claimer: Claimer): Decide {
  return (current) => {
    if (current.state === 'settled') return { refused: 'settled' }
    const held: RegisterValue = {
      version: current.version + 1,
      epoch: current.epoch + 1,
      state: 'held',
      holder: claimer.node,
      term: claimer.term,
      startedAt: claimer.wallMs,
      attempt: current.attempt,
      ...boundRecord(current, claimer),
    }
    if (current.state === 'free') return current.notBefore !== undefined && current.notBefore > claimer.wallMs ? { refused: 'early' } : held
    const { holder, term } = current
    if (holder === claimer.node && term === claimer.term) return { refused: 'mine' }
    if (holder === undefined || term === undefined || !claimer.termEnded(holder, term)) return { refused: 'held' }
    return { ...held, outcome: { result: 'lost', endedAt: claimer.wallMs } }
  }
}

/** What the end of epoch `epoch` makes of the register: settled, or free for the next attempt. */
export function conclude(
  epoch: number,
  outcome: Outcome,
  { attempts, backoffMs, backoffMaxMs }: Pick<TaskSpec, 'attempts' | 'backoffMs' | 'backoffMaxMs'>,
  random: number,
): Decide {
  return (current) => {
    if (current.state !== 'held' || current.epoch !== epoch)
      return { refused: current.state === 'settled' && current.epoch === epoch ? 'done' : 'fenced' }
    const { version, attempt } = current
    const base = { version: version + 1, epoch, attempt, outcome, ...boundRecord(current) }
    if (outcome.result === 'lost') return { ...base, state: 'free' }
    if (outcome.result === 'succeeded') return { ...base, state: 'settled', end: 'succeeded' }
    if (outcome.result === 'cancelled') return { ...base, state: 'settled', end: 'cancelled' }
    if (attempt >= attempts) return { ...base, state: 'settled', end: attempts > 1 ? 'dead' : 'failed' }
    const first = backoffMs ?? BACKOFF_FIRST_MS
    // Half of it is chance: tasks that failed together do not come back together.
    const pauseMs = Math.min(backoffMaxMs ?? Math.max(BACKOFF_MAX_MS, first), first * 2 ** (attempt - 1)) * (0.5 + random / 2)
    return { ...base, state: 'free', attempt: attempt + 1, notBefore: Math.round(outcome.endedAt + pauseMs) }
  }
}

/** Ends a task that nobody runs. */
export function cancelFree(claimer: Claimer): Decide {
  return (current) => {
    if (current.state === 'settled') return { refused: 'settled' }
    const settled = {
      version: current.version + 1,
      epoch: current.epoch,
      state: 'settled',
      end: 'cancelled',
      attempt: current.attempt,
    } as const
    const bound = boundRecord(current, claimer)
    if (current.state === 'free') return { ...settled, ...bound, outcome: { result: 'cancelled', endedAt: claimer.wallMs, unrun: true } }
    const { holder, term } = current
    if (holder === undefined || term === undefined || !claimer.termEnded(holder, term)) return { refused: 'held' }
    return { ...settled, ...bound, outcome: { result: 'lost', endedAt: claimer.wallMs } }
  }
}

/** Settles the end of a run in available mode, which held no register. Refuses with `done` or `late`. */
export function settleFree(run: EndedRun, spec: Parameters<typeof conclude>[2], random: number): Decide {
  const decide = conclude(run.epoch, run.outcome, spec, random)
  return (current) => {
    if (current.state !== 'free') return { refused: 'done' }
    if (current.attempt !== run.attempt) return { refused: 'late' }
    const next = decide({ ...current, state: 'held', epoch: run.epoch })
    if (!('state' in next)) return next
    return {
      ...next,
      ...(run.holder === undefined ? {} : { holder: run.holder }),
      ...(run.startedAt === undefined ? {} : { startedAt: run.startedAt }),
    }
  }
}

/** Ends a free task that shall not run any more: what it waits for failed, or it waited too long. Refuses with `settled` or `held`. */
export function endFree(claimer: Claimer, end: 'cancelled' | 'failed', outcome: Omit<Outcome, 'endedAt' | 'result'>): Decide {
  return (current) => {
    if (current.state !== 'free') return { refused: current.state }
    const { version, epoch, attempt } = current
    const whole: Outcome = { ...outcome, result: end, endedAt: claimer.wallMs, unrun: true }
    return { version: version + 1, epoch, state: 'settled', end, attempt, ...boundRecord(current, claimer), outcome: whole }
  }
}

/** Ends a question with its answer: the first one counts. Refuses with `settled` or `held`. */
export function answerFree(claimer: Claimer, answer: AnswerValue): Decide {
  return (current) => {
    if (current.state !== 'free') return { refused: current.state }
    const { version, epoch, attempt } = current
    const outcome: Outcome = { result: 'succeeded', endedAt: claimer.wallMs, unrun: true, answer }
    return { version: version + 1, epoch, state: 'settled', end: 'succeeded', attempt, ...boundRecord(current, claimer), outcome }
  }
}

/** Whose record runs is decided with the first change and stays. */
function boundRecord(current: RegisterValue, claimer?: Claimer): { record?: PeerId } {
  const record = current.version > 0 ? current.record : claimer?.record
  return record === undefined ? {} : { record }
}

/** When a free task may be claimed, milliseconds since 1970. */
export function notBefore(state: TaskState): number {
  return Math.max(state.task?.spec.notBefore ?? 0, state.value.notBefore ?? 0)
}

/** Since when a free task could be claimed: published, its delay over, its last attempt ended, all it came after ended. */
export function readySince(state: TaskState, taskOf: Fold['task']): number {
  const needs = (state.task?.spec.after ?? []).map((id) => taskOf(id)?.value.outcome?.endedAt ?? 0)
  return Math.max(state.task?.createdAt ?? 0, notBefore(state), state.value.outcome?.endedAt ?? 0, ...needs)
}

/** When a free task has waited too long for somebody to claim it; undefined where it may wait for ever. */
export function queueDeadline(state: TaskState, taskOf: Fold['task']): number | undefined {
  const limitMs = state.task?.spec.queueTimeoutMs
  return limitMs === undefined || state.value.state !== 'free' ? undefined : readySince(state, taskOf) + limitMs
}

export type StateContext = { wallMs: number; termEnded: Fold['termEnded']; isBlocked(task: TaskId): boolean }

/** The state that users see. A task whose holder's term has ended runs nowhere: it waits for the next worker. */
export function stateName(state: TaskState, { wallMs, termEnded, isBlocked }: StateContext): TaskStateName {
  const { value } = state
  if (value.state === 'settled') return value.end ?? 'failed'
  const { holder, term } = value
  if (value.state === 'held' && (holder === undefined || term === undefined || !termEnded(holder, term))) return 'running'
  const provisional = provisionalEnd(state)
  if (provisional !== undefined) return provisionalName(provisional.outcome, value.attempt, state.task?.spec.attempts ?? 1)
  if (isAvailable(state) && liveRuns(state, termEnded).length > 0) return 'running'
  if (isBlocked(state.id)) return 'blocked'
  return notBefore(state) > wallMs ? 'scheduled' : 'ready'
}

function provisionalName({ result }: Outcome, attempt: number, attempts: number): TaskStateName {
  if (result === 'succeeded' || result === 'cancelled') return result
  return attempt < attempts ? 'scheduled' : attempts > 1 ? 'dead' : 'failed'
}
