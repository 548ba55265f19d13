// What ends a run before its time: a start that takes too long, silence, a cost over the budget. The time of the command as a
// whole is the guardian's, which survives this node.
import type { Outcome, TaskSpec } from '../../../protocols/records.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { formatDuration } from '../../kernel/durations.ts'
import type { LogFollow } from '../../runner/output-log.ts'

export type OwnLimit = 'start' | 'heartbeat' | 'budget'

export type RunLimits = {
  /** The command has started: from now on silence counts. */
  started(follow: LogFollow): void
  /** The work said something by itself. */
  heard(): void
  cost(usd: number): void
  costUsd(): number | undefined
  end(): void
}

export function createRunLimits(clock: Clock, spec: TaskSpec, onOver: (limit: OwnLimit) => void): RunLimits {
  const { startTimeoutMs, heartbeatTimeoutMs, budgetUsd } = spec
  let timer: Cancel = startTimeoutMs === undefined ? () => {} : clock.after(startTimeoutMs, () => onOver('start'))
  let heardMs = clock.nowMs()
  let over = false
  let costUsd: number | undefined

  const heard = (): void => {
    heardMs = clock.nowMs()
  }
  const look = (limitMs: number): void => {
    const leftMs = heardMs + limitMs - clock.nowMs()
    if (leftMs <= 0) onOver('heartbeat')
    else timer = clock.after(leftMs, () => look(limitMs))
  }
  const listen = async (follow: LogFollow): Promise<void> => {
    for (let change = follow.changed(); !over && !follow.done(); change = follow.changed()) {
      await change
      heard()
    }
  }
  return {
    started(follow) {
      timer()
      if (over || heartbeatTimeoutMs === undefined) return
      heard()
      look(heartbeatTimeoutMs)
      void listen(follow)
    },
    heard,
    cost(usd) {
      // Said in all, not in addition: a repeated message costs nothing.
      costUsd = Math.max(costUsd ?? 0, usd)
      if (budgetUsd !== undefined && costUsd > budgetUsd) onOver('budget')
    },
    costUsd: () => costUsd,
    end() {
      over = true
      timer()
    },
  }
}

/** How a run ends that one of its limits ended. */
export function outcomeOfLimit(limit: OwnLimit, spec: TaskSpec, costUsd: number | undefined, endedAt: number): Outcome {
  const failed = { result: 'failed', endedAt } as const
  const usd = (value: number | undefined): string => `${(value ?? 0).toFixed(2)} USD`
  if (limit === 'budget')
    return { ...failed, error: `It said that it cost ${usd(costUsd)}, over its budget of ${usd(spec.budgetUsd)} (--budget).` }
  const limitMs = limit === 'start' ? spec.startTimeoutMs : spec.heartbeatTimeoutMs
  const what = limit === 'start' ? 'its command had not started after' : 'it was silent for'
  return { ...failed, timedOut: true, timeout: limit, error: `${what} ${formatDuration(limitMs ?? 0)} (--${limit}-timeout)` }
}
