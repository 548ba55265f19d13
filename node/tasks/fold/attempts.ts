// The attempts of a task, as its register values tell of them. Each value tells of one or two epochs; together they give the
// history in any order. Tasks that went the same way share one history.
import type { PeerId, Term } from '../../../protocols/ids.ts'
import type { Outcome, RegisterValue } from '../../../protocols/records.ts'

export type AttemptState = { epoch: number; holder?: PeerId; term?: Term; startedAt?: number; outcome?: Outcome }
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

/** What was known of the epoch first stays. */
function put(attempts: Attempts, told: AttemptState): Attempts {
  const known = attempts.find((attempt) => attempt.epoch === told.epoch)
  if (known === undefined) return [...attempts, told].sort((a, b) => a.epoch - b.epoch)
  return attempts.map((attempt) => (attempt === known ? { ...told, ...known } : attempt))
}
