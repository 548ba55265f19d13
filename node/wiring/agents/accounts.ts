// Accounts in the mesh: who has to wait does not claim, and starts of one account are counted together.
import type { NameKey } from '../../../protocols/ids.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { Mismatch } from '../../tasks/matching/match.ts'
import { countStart as countOne, nextStartMs } from '../../tasks/names/sums.ts'

/** One start a second: a server that meets ten in one moment refuses most of them. */
const RATE = { limit: 1, perMs: 1_000 }
const COUNT_MS = 1_000
/** While an account waits the queue is looked at again at least this often. */
const WAKE_MS_MAX = 30_000

/** @returns how long to wait and ask again; 0 where it was counted, or no majority can be asked */
export async function countStart(clock: Clock, names: Engine['names'], account: string): Promise<number> {
  const wallMs = clock.wallMs()
  const change = await names.operate(`@rate/account/${account}` as NameKey, (operation) => countOne(RATE, wallMs, operation), COUNT_MS)
  return 'refused' in change && change.refused === 'full' ? Math.max(1, nextStartMs(change.current, RATE, wallMs) - wallMs) : 0
}

export type AccountStops = (limit: { untilMs: number } | undefined) => Mismatch | undefined

export function createAccountStops(clock: Clock, wake: () => void): AccountStops {
  let waking: Cancel | undefined
  return (limit) => {
    const waitMs = (limit?.untilMs ?? 0) - clock.wallMs()
    if (limit === undefined || waitMs <= 0) return undefined
    waking ??= clock.after(Math.min(WAKE_MS_MAX, waitMs + 1), () => {
      waking = undefined
      wake()
    })
    return {
      code: 'account-limited',
      message: `its account may not go on before ${new Date(limit.untilMs).toISOString()}`,
      cure: 'It starts by itself then; a worker with another account starts it now.',
    }
  }
}
