// Drives the machine: carries its effects out and feeds it what came of them. All that touches disk, mesh or processes is handed in.
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { type Effect, nextState, type Step, type UpgradeEvent, type UpgradeState } from './machine.ts'

/** A step that says why it cannot be done. `final`: it is the commit's fault, so it is not tried again. */
export class Objection extends Error {
  readonly final: boolean
  constructor(reason: string, final: boolean) {
    super(reason)
    this.name = 'Objection'
    this.final = final
  }
}

export type UpgraderComponents = {
  log: Log
  first: UpgradeState
  steps: Record<Step, (commit: string, signal: AbortSignal) => Promise<void>>
  releaseTurn(): Promise<void>
  /** The state has changed: it is kept, and the mesh is told. */
  changed(state: UpgradeState): void
}
export type Upgrader = { state(): UpgradeState; on(event: UpgradeEvent): void; stop(): void }

/** Faults of these kinds pass by themselves; others are the commit's. */
const PASSING: ReadonlySet<string> = new Set(['unreachable', 'busy', 'missing'])

export function createUpgrader({ log, first, steps, releaseTurn, changed }: UpgraderComponents): Upgrader {
  let state = first
  let step = new AbortController()
  let stopped = false

  const on = (event: UpgradeEvent): void => {
    if (stopped) return
    const before = state
    const next = nextState(state, event)
    state = next.state
    if (
      state.phase !== before.phase ||
      state.reason !== before.reason ||
      state.target !== before.target ||
      state.failed !== before.failed
    ) {
      log.info({ phase: state.phase, target: state.target, reason: state.reason }, 'upgrade')
      changed(state)
    }
    for (const effect of next.effects) act(effect)
  }
  const act = (effect: Effect): void => {
    if (effect.do === 'stop-step') {
      step.abort()
      step = new AbortController()
    } else if (effect.do === 'release-turn')
      void releaseTurn().catch((error: unknown) => log.warn({ reason: messageOf(error) }, 'the turn could not be given back'))
    else void carryOut(effect)
  }
  const carryOut = async ({ do: name, commit, run }: Extract<Effect, { commit: string }>): Promise<void> => {
    const { signal } = step
    try {
      await steps[name](commit, signal)
      if (!signal.aborted) on({ on: 'stepped', step: name, run })
    } catch (error) {
      if (signal.aborted) return
      const final = error instanceof Objection ? error.final : error instanceof NimbusError && !PASSING.has(error.kind)
      on({ on: 'failed', run, reason: messageOf(error), final })
    }
  }
  return {
    state: () => state,
    on,
    stop() {
      stopped = true
      step.abort()
    },
  }
}
