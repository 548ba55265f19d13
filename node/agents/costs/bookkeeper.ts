// Writes what the sessions of this worker cost into the logs: the difference between what a session cost so far, by its own count, and
// what is written down for it already. Said again, or after a crash, it is the same amount.
import type { ModelUse } from '../../../protocols/agents/agent-events.ts'
import type { CostRecord } from '../../../protocols/agents/cost-records.ts'
import { NANO } from '../../../protocols/agents/cost-records.ts'
import type { PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import { addTokens, NO_TOKENS } from '../driver.ts'
import type { CostLine, Ledger } from './ledger.ts'
import { dayOf } from './ledger.ts'

export type BookkeeperComponents = {
  self: PeerId
  clock: Pick<Clock, 'wallMs'>
  ledger: Pick<Ledger, 'ofSession' | 'note'>
  append(entry: CostRecord): void
}
/** @param uses of the whole session, one a model */
export type Book = (run: { session: TaskId; task: TaskId; repo: string | undefined }, uses: readonly ModelUse[]) => void

export function createBookkeeper({ self, clock, ledger, append }: BookkeeperComponents): Book {
  return ({ session, task, repo }, uses) => {
    const day = dayOf(clock.wallMs())
    const all = ledger.ofSession(session)
    for (const { model, tokens, costUsd } of uses) {
      const known = all.filter((line) => line.model === model)
      const missing = lessOf(tokens, known)
      const nanoMissing = Math.max(0, Math.round(costUsd * NANO) - known.reduce((sum, line) => sum + line.nanoUsd, 0))
      if (nanoMissing === 0 && Object.values(missing).every((count) => count === 0)) continue
      const before = known.find((line) => line.worker === self && line.task === task && line.day === day)
      const line: Omit<CostLine, 'worker'> = {
        session,
        task,
        day,
        model,
        tokens: addTokens(before?.tokens ?? NO_TOKENS, missing),
        nanoUsd: (before?.nanoUsd ?? 0) + nanoMissing,
        ...(repo === undefined ? {} : { repo: repo.slice(0, 2_048) }),
      }
      append({ kind: 'cost', ...line })
      ledger.note({ ...line, worker: self })
    }
  }
}

function lessOf(tokens: ModelUse['tokens'], known: readonly CostLine[]): ModelUse['tokens'] {
  const sum = known.reduce((so, line) => addTokens(so, line.tokens), NO_TOKENS)
  return {
    input: Math.max(0, tokens.input - sum.input),
    output: Math.max(0, tokens.output - sum.output),
    cacheRead: Math.max(0, tokens.cacheRead - sum.cacheRead),
    cacheWrite: Math.max(0, tokens.cacheWrite - sum.cacheWrite),
  }
}
