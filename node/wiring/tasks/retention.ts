// Joins the retention of files to the queue, the schedules and the runs of this node.
import { join } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { Engine } from '../../tasks/engine.ts'
import { dropOldLogs } from '../../tasks/retention/old-logs.ts'
import type { RetentionRule } from '../../tasks/retention/rule.ts'
import { createRetentionRule } from '../../tasks/retention/rule.ts'
import type { Sweep } from '../../tasks/retention/sweep.ts'
import { createSweep } from '../../tasks/retention/sweep.ts'
import type { ShellWork } from '../../tasks/work/shell-work.ts'
import type { Agenda } from '../plan/agenda.ts'

export function createRetention(components: {
  clock: Clock
  log: Log
  retentionMs: number
  dataDir: string
  engine: Pick<Engine, 'fold' | 'execution'>
  agenda: Pick<Agenda, 'plans'>
  /** Blobs that sessions saved after this wall time. */
  saved(sinceMs: number): Iterable<string>
  blobs: BlobStore
  work: Pick<ShellWork, 'logFile'>
  onRemoved(hash: string): void
  onError(error: unknown): void
}): RetentionRule & Sweep {
  const { clock, log, engine, blobs, work, onRemoved, onError } = components
  const { fold, execution } = engine
  const rule = createRetentionRule(clock, fold, components.retentionMs)
  const sweep = createSweep({
    clock,
    log,
    fold,
    rule,
    blobs,
    plans: components.agenda.plans,
    named: () => components.saved(clock.wallMs() - components.retentionMs),
    isSettling: () => execution.runs().some(({ phase }) => phase === 'settling'),
    dropOldLogs: (beforeMs) =>
      dropOldLogs(
        join(components.dataDir, 'logs'),
        beforeMs,
        new Set(execution.runs().map(({ task, epoch }) => work.logFile(task, epoch))),
      ),
    onRemoved,
    onError,
  })
  return { ...rule, ...sweep }
}
