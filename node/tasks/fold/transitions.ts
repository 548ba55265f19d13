// The pure changes of a task's register (decision 0001, table "Registers") and the state that users see.
import type { PeerId, Term } from '../../../protocols/ids.ts'
import type { Outcome, RegisterValue } from '../../../protocols/records.ts'
import type { TaskStateName } from '../../../protocols/http/views.ts'
import { taskState } from '../../../protocols/http/views.ts'
import type { Fold, TaskState } from './fold.ts'
import type { Decide } from '../claims/proposer.ts'

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
export function conclude(epoch: number, outcome: Outcome, attempts: number, random: number): Decide {
  return (current) => {
    if (current.state !== 'held' || current.epoch !== epoch)
      return { refused: current.state === 'settled' && current.epoch === epoch ? 'done' : 'fenced' }
    const { version, attempt } = current
    const base = { version: version + 1, epoch, attempt, outcome, ...boundRecord(current) }
    if (outcome.result === 'lost') return { ...base, state: 'free' }
    if (outcome.result === 'succeeded') return { ...base, state: 'settled', end: 'succeeded' }
    if (outcome.result === 'cancelled') return { ...base, state: 'settled', end: 'cancelled' }
    if (attempt >= attempts) return { ...base, state: 'settled', end: attempts > 1 ? 'dead' : 'failed' }
    const backoffMs = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** (attempt - 1)) * (0.5 + random / 2)
    return { ...base, state: 'free', attempt: attempt + 1, notBefore: Math.round(outcome.endedAt + backoffMs) }
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
    if (current.state === 'free') return { ...settled, ...bound }
    const { holder, term } = current
    if (holder === undefined || term === undefined || !claimer.termEnded(holder, term)) return { refused: 'held' }
    return { ...settled, ...bound, outcome: { result: 'lost', endedAt: claimer.wallMs } }
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

/** The state that users see. A task whose holder's term has ended runs nowhere: it waits for the next worker. */
export function stateName(state: TaskState, wallMs: number, termEnded: Fold['termEnded']): TaskStateName {
  const { value } = state
  if (value.state === 'settled') return value.end ?? 'failed'
  const { holder, term } = value
  if (value.state === 'held' && (holder === undefined || term === undefined || !termEnded(holder, term))) return 'running'
  return notBefore(state) > wallMs ? 'scheduled' : 'ready'
}

/** How many tasks there are of each state. */
export function countStates(fold: Pick<Fold, 'tasks' | 'termEnded'>, wallMs: number): Record<TaskStateName, number> {
  const counts = Object.fromEntries(taskState.options.map((name) => [name, 0])) as Record<TaskStateName, number>
  for (const state of fold.tasks()) if (state.task !== undefined) counts[stateName(state, wallMs, fold.termEnded)] += 1
  return counts
}
