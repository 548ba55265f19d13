// The attempts of a task, as its register values tell of them. Each value tells of one or two epochs; together they give the
// history in any order. Tasks that went the same way share one history.
import type { PeerId, Term } from '../../../protocols/ids.ts'
import type { Outcome, RegisterValue } from '../../../protocols/records.ts'

export type AttemptState = {
  epoch: number
  holder?: PeerId
  term?: Term
  startedAt?: number
  outcome?: Outcome
  /** Of a run in available mode: which attempt of the task it is one of. */
  attempt?: number
}
/** By epoch; never changed in place. */
export type Attempts = readonly AttemptState[]

export const NO_ATTEMPTS: Attempts = []

/** @returns a merge that gives the same array again where the same array and value follow each other */
export function createAttemptMerge(): (attempts: Attempts, value: RegisterValue) => Attempts {
  let last: { attempts: Attempts; value: RegisterValue; merged: Attempts } | undefined
  return (attempts, value) => {
    if (last?.attempts === attempts && last.value === value) return last.merged
    const merged = mergeValue(attempts, value)
    last = { attempts, value, merged }
    return merged
  }
}

function mergeValue(attempts: Attempts, value: RegisterValue): Attempts {
  if (value.epoch === 0) return attempts
  const { holder, term, startedAt, outcome } = value
  const held: AttemptState = {
    epoch: value.epoch,
    ...(holder === undefined ? {} : { holder }),
    ...(term === undefined ? {} : { term }),
    ...(startedAt === undefined ? {} : { startedAt }),
  }
  const withOwn = put(attempts, held)
  if (outcome === undefined || outcome.unrun === true) return withOwn
  return put(withOwn, { epoch: value.state === 'held' ? value.epoch - 1 : value.epoch, outcome })
}

/** A run that its node tells of itself, without a register. */
export function mergeRun(attempts: Attempts, run: AttemptState): Attempts {
  return put(attempts, run)
}

/** What was known of the epoch first stays; an end is more than a loss. */
function put(attempts: Attempts, told: AttemptState): Attempts {
  const known = attempts.find((attempt) => attempt.epoch === told.epoch)
  if (known === undefined) return [...attempts, told].sort((a, b) => a.epoch - b.epoch)
  return attempts.map((attempt) => (attempt === known ? { ...told, ...known, ...endOf(known.outcome, told.outcome) } : attempt))
}

/** A node that was torn down may tell of a loss what it had told the end of before: whoever hears both agrees on one. */
function endOf(a: Outcome | undefined, b: Outcome | undefined): { outcome?: Outcome } {
  if (a === undefined || b === undefined) return a === undefined && b === undefined ? {} : { outcome: (a ?? b) as Outcome }
  if ((a.result === 'lost') !== (b.result === 'lost')) return { outcome: a.result === 'lost' ? b : a }
  return { outcome: b.endedAt < a.endedAt ? b : a }
}
