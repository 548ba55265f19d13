// Whose turn it is to try an open task first: the worker that the publisher had in mind, then by rank, each a moment after the other.
// Of a long row of tasks each free worker takes those of its own first, so that workers do not all reach for the oldest. Pure.
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Fold, TaskState } from '../fold/fold.ts'
import { isAvailable } from '../fold/free-runs.ts'
import type { Offer } from './match.ts'
import { rank, turnAmong } from './match.ts'
import type { Candidate } from './ordered-tasks.ts'

/** Rank r tries after r times this: a claim on a local network has long been chosen by then. */
const RANK_STEP_MS = 25
/** The same where no keeper is asked: the word of who runs it has to arrive first. */
const FREE_STEP_MS = 250

export type Turns = {
  /** From when on this node may try, by the monotonic clock. */
  dueMs(candidate: Candidate, able: readonly Offer[], openMs: number): number
  /** This node's place among those that may run it, free or not; lower comes first. */
  place(task: TaskId, able: readonly Offer[]): number
}

export function createTurns({
  self,
  fold,
  freeSinceMs,
}: {
  self: PeerId
  fold: Pick<Fold, 'task'>
  freeSinceMs(state: TaskState, sinceMs: number): number
}): Turns {
  /** Only the first try is the publisher's to suggest. */
  const preferredOf = (state: TaskState | undefined): PeerId | undefined =>
    state?.value.version === 0 ? state.task?.preferred?.[0] : undefined
  return {
    dueMs(candidate, able, openMs) {
      const state = fold.task(candidate.task)
      const preferred = preferredOf(state)
      if (preferred === self) return Math.max(candidate.retryAtMs, candidate.sinceMs, openMs)
      const order = rank(candidate.task, able, state?.task?.spec)
      const first =
        preferred !== undefined && able.some((offer) => offer.node === preferred)
          ? [preferred, ...order.filter((node) => node !== preferred)]
          : order
      const at = first.indexOf(self)
      const turn = at < 0 ? first.length : at
      const sinceMs = Math.max(candidate.sinceMs, openMs)
      if (state === undefined || !isAvailable(state)) return Math.max(candidate.retryAtMs, sinceMs + turn * RANK_STEP_MS)
      return Math.max(candidate.retryAtMs, freeSinceMs(state, sinceMs) + turn * FREE_STEP_MS)
    },
    place(task, able) {
      const state = fold.task(task)
      return preferredOf(state) === self ? -1 : turnAmong(self, task, able, state?.task?.spec)
    },
  }
}

/** Tasks whose order differs by less than this, in ms of waiting, may pass each other; a priority is worth far more. */
const NEAR_MS = 5_000

export type Due<From> = { candidate: Candidate; from: From }

/**
 * The same tasks, the oldest first, except that those with a lower turn come before others of about their age.
 * @param ahead how many are looked at together
 * @param turnOf this worker's place in the row of those that may run it, from 0
 */
export function* nearestFirst<From>(due: Iterator<Due<From>>, ahead: number, turnOf: (one: Due<From>) => number): Generator<Due<From>> {
  const near: { one: Due<From>; turn: number }[] = []
  let next = due.next()
  for (;;) {
    while (next.done !== true && near.length < ahead) {
      const { order } = next.value.candidate
      if (order - (near[0]?.one.candidate.order ?? order) > NEAR_MS) break
      near.push({ one: next.value, turn: turnOf(next.value) })
      next = due.next()
    }
    if (near.length === 0) return
    const at = near.reduce((best, { turn }, index) => (turn < (near[best]?.turn ?? 0) ? index : best), 0)
    yield (near.splice(at, 1)[0] as (typeof near)[number]).one
  }
}
