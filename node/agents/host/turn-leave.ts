// Before each turn the host asks its node, which knows the budgets of the mesh; until the node says go, nothing is sent to the agent.
import { randomUUID } from 'node:crypto'
import type { AgentEventOf } from '../../../protocols/agents/agent-events.ts'
import { addModels, addTokens } from '../driver.ts'
import type { HostState } from './notes/host-order.ts'

export type TurnLeave = {
  /** Asks once; `go` follows when the node said so. */
  ask(go: () => void): void
  granted(turn: string): void
  isAsking(): boolean
}

export function createTurnLeave(emit: (event: AgentEventOf<'wants'>) => void): TurnLeave {
  let asked: { turn: string; go(): void } | undefined
  return {
    ask(go) {
      if (asked !== undefined) return
      asked = { turn: randomUUID(), go }
      emit({ type: 'wants', turn: asked.turn })
    },
    // What an earlier process asked for is answered in the same file.
    granted(turn) {
      if (asked?.turn !== turn) return
      const { go } = asked
      asked = undefined
      go()
    },
    isAsking: () => asked !== undefined,
  }
}

/** Adds a turn to what the session used, also by model where the agent does not tell; `before`: when its process began. @returns the turn, with the sums */
export function countTurn(
  state: HostState,
  before: Pick<HostState, 'tokens' | 'costUsd' | 'turns' | 'models'>,
  event: AgentEventOf<'turn'>,
  model: string,
): AgentEventOf<'turn'> {
  const { tokens, costUsd } = event
  state.models = addModels(before.models ?? [], event.models ?? [{ model, tokens, costUsd }])
  state.tokens = addTokens(before.tokens, tokens)
  state.costUsd = before.costUsd + costUsd
  state.turns += 1
  const turns = Math.max(state.turns, before.turns + 1)
  return { ...event, turns, tokens: state.tokens, costUsd: state.costUsd, models: state.models }
}
