// Which code a command ends with, and what it says on the way out.
import { constants } from 'node:os'
import type { TaskView } from '../../protocols/http/views.ts'
import type { ErrorKind } from '../kernel/errors.ts'
import { NimbusError } from '../kernel/errors.ts'
import { safe } from '../kernel/safe-text.ts'
import type { Io } from './context.ts'

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  missing: 3,
  refused: 4,
  unreachable: 5,
  timedOut: 124,
  nimbus: 125,
  interrupted: 130,
} as const

const CODE_OF_KIND: Record<ErrorKind, number> = {
  failed: EXIT.failed,
  busy: EXIT.failed,
  usage: EXIT.usage,
  missing: EXIT.missing,
  refused: EXIT.refused,
  unreachable: EXIT.unreachable,
}
const SIGNAL_BASE = 128

export function exitCodeOf(error: unknown): number {
  return error instanceof NimbusError ? CODE_OF_KIND[error.kind] : EXIT.failed
}

/** The code of a task that has ended: its own, 124, 128+n, or 125 where no process ended by itself. */
export function exitCodeOfTask(task: TaskView): number {
  const result = task.result
  if (task.state === 'succeeded') return result?.exitCode ?? EXIT.done
  if (result?.timedOut === true) return EXIT.timedOut
  if (result?.signal !== undefined) return SIGNAL_BASE + (constants.signals[result.signal as NodeJS.Signals] ?? 0)
  return result?.exitCode === undefined || result.exitCode === 0 ? EXIT.nimbus : result.exitCode
}

/** What failed and what to do; a stack only for our own mistakes and only when asked for. */
export function describeError(error: unknown, env: NodeJS.ProcessEnv): string {
  const debug = env['NIMBUS_DEBUG'] === '1' && error instanceof Error ? `\n${error.stack ?? ''}` : ''
  if (error instanceof NimbusError)
    return `nimbus: ${safe(error.message)}${error.cure === undefined ? '' : `\n  ${safe(error.cure)}`}${debug}`
  const message = safe(error instanceof Error ? error.message : String(error))
  return `nimbus: a mistake of Nimbus itself: ${message}\n  NIMBUS_DEBUG=1 shows where; the node's own log is node.log in its data folder.${debug}`
}

/** A reader that went away (`nimbus task ls | head`) ends the command without a word. */
export function endOnBrokenPipe(io: Io): void {
  for (const stream of [io.stdout, io.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.done)
      throw error
    })
  }
}
