// What the work of this node asks of the room of agents for a task of kind `agent`: a port, because sessions stand above the queue.
import type { Outcome } from '../../../protocols/records.ts'
import type { LogFollow } from '../../runner/output-log.ts'
import type { WorkOrder } from '../execution.ts'
import type { Prepared, Progress } from './prepare-run.ts'

export type AgentWork = {
  /** The folder stays when the run ends. */
  prepare(order: WorkOrder, signal: AbortSignal, tell: (progress: Progress) => void): Promise<Prepared & { argv: string[] }>
  /** The process is proven started; its output may be read. */
  started(order: WorkOrder, logFile: string, follow: LogFollow): void
  /** The process is gone, its log is still there: what it left behind. */
  finish(order: WorkOrder): Promise<Partial<Outcome>>
  ended(order: WorkOrder, outcome: Outcome): void
}
