// Promise P10, watched: work with `lostAfterMs` is taken from a holder that lives only after that time without a majority.
import type { PeerId, TaskId } from '../../protocols/ids.ts'
import { LEASE_MS } from '../../node/tasks/claims/lease-times.ts'
import type { SimRun } from './parts/world.ts'

export type Patience = { onRun(run: SimRun): void; onCrash(node: PeerId): void; violations: string[] }

/** Work is frozen LEASE_MS after the last renewal that counted. */
export function createPatience(clock: { nowMs(): number }, count: (state: string) => void): Patience {
  const last = new Map<TaskId, { run: SimRun; startedMs: number; frozenMs?: number }>()
  const crashes = new Map<PeerId, number>()
  const violations: string[] = []
  return {
    violations,
    onCrash: (node) => void crashes.set(node, clock.nowMs()),
    onRun(run) {
      const { lostAfterMs } = run.spec
      if (lostAfterMs === undefined || run.spec.claim === 'available') return
      const nowMs = clock.nowMs()
      const before = last.get(run.task)
      if (before?.run === run) {
        if (run.state === 'frozen') before.frozenMs = nowMs
        if (run.state === 'running' && before.frozenMs !== undefined) {
          count('long lease thawed')
          delete before.frozenMs
        }
        return
      }
      if (run.state !== 'running') return
      last.set(run.task, { run, startedMs: nowMs })
      if (before?.frozenMs === undefined || (crashes.get(before.run.node) ?? -1) >= before.startedMs) return
      count('long lease over')
      const waitedMs = Math.round(nowMs - before.frozenMs + LEASE_MS)
      if (waitedMs < lostAfterMs)
        violations.push(`P10: ${run.task} runs as epoch ${run.epoch} ${waitedMs} ms after the last renewal of its holder`)
    },
  }
}
