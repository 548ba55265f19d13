// When a session may start: not while its account has to wait, and not at once with others. What one worker hears of an account holds
// in the whole mesh; a server that meets ten starts in one moment refuses most of them.
import type { SessionRecord } from '../../protocols/agents/session-records.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/random.ts'

/** Between two starts of one account on one worker. */
const GAP_MS = 1_000
/** A limit that is further away is looked at again meanwhile: it may be lifted, or the clock may be wrong. */
const LOOK_MS_MAX = 60_000

export type StartTurns = {
  /** Settles when it may start, or when the signal fires. */
  wait(account: string, signal: AbortSignal, tell: (untilMs: number) => void): Promise<void>
}

export function createStartTurns(components: {
  clock: Clock
  random: Pick<Random, 'next'>
  records(): Iterable<SessionRecord>
  /** Counts a start of the account in the whole mesh. @returns how long to wait and ask again, 0 where it was counted */
  count(account: string): Promise<number>
}): StartTurns {
  const { clock, random } = components
  /** When the next one of an account may start, monotonic; one entry an account that this worker uses. */
  const next = new Map<string, number>()
  const limitedUntil = (account: string): number => {
    let until = 0
    for (const record of components.records()) if (record.account === account) until = Math.max(until, record.limitedUntil ?? 0)
    return until
  }
  return {
    async wait(account, signal, tell) {
      for (;;) {
        const waitMs = limitedUntil(account) - clock.wallMs()
        if (waitMs <= 0 || signal.aborted) break
        tell(clock.wallMs() + waitMs)
        // Workers that wait for one moment do not come back in one moment.
        await pause(clock, Math.min(LOOK_MS_MAX, waitMs + random.next() * GAP_MS), signal)
      }
      const turn = Math.max(clock.nowMs(), next.get(account) ?? 0)
      next.set(account, turn + GAP_MS)
      if (turn > clock.nowMs()) await pause(clock, turn - clock.nowMs(), signal)
      for (let waitMs = await components.count(account); waitMs > 0 && !signal.aborted; waitMs = await components.count(account))
        await pause(clock, waitMs + random.next() * GAP_MS, signal)
    },
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}
