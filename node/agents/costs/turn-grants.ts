// Turns that sessions of this worker ask for: each is let go when the budgets allow it, and until then its session says why it waits.
import type { AgentReason } from '../../../protocols/agents/agent-events.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'

/** A turn that waits is looked at again after this: a budget was raised, a day began, a share came back. */
const LOOK_MS = 2_000

export type TurnAsked = {
  mayBegin(): Promise<AgentReason | undefined>
  /** Why it waits; undefined when it does not any more. */
  explain(reason: AgentReason | undefined): void
  go(): void
}

/** @returns what ends the waiting */
export function waitForTurn(clock: Clock, { mayBegin, explain, go }: TurnAsked): Cancel {
  let over = false
  let timer: Cancel = () => {}
  const look = async (): Promise<void> => {
    const reason = await mayBegin()
    if (over) return
    explain(reason)
    if (reason === undefined) go()
    else timer = clock.after(LOOK_MS, () => void look())
  }
  void look()
  return () => {
    over = true
    timer()
  }
}
