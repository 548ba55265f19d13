// Says on stderr what a task does before its command runs, such as cloning: on a terminal in one line that is written
// over, elsewhere one line for each step, so that a log of a script stays short.
import type { TaskView } from '../../../protocols/http/views.ts'
import { safe } from '../../kernel/safe-text.ts'
import type { Cli } from '../context.ts'

export type ProgressNote = {
  show(task: TaskView): void
  /** Takes the line away, before anything else is written. */
  clear(): void
}

const ERASE_LINE = '\r\u001b[K'

export function createProgressNote(cli: Cli): ProgressNote {
  const { stderr, env } = cli.io
  const inPlace = stderr.isTTY && env['TERM'] !== 'dumb'
  let shown = ''
  let step = ''

  function clear(): void {
    if (inPlace && shown !== '') stderr.write(ERASE_LINE)
    shown = ''
  }
  return {
    clear,
    show(task) {
      const { progress } = task
      if (cli.globals.quiet || cli.globals.json) return
      if (progress === undefined || task.state !== 'running') return clear()
      const text = safe(`nimbus: ${progress.phase}: ${progress.message}`)
      // "Receiving objects: 17 of 90": what stands before the counts is the step.
      const now = text.replace(/: \d.*$/, '')
      if (inPlace && text !== shown) stderr.write(`${ERASE_LINE}${text.slice(0, Math.max(10, (stderr.columns || 80) - 1))}`)
      else if (!inPlace && now !== step) cli.note(now)
      shown = text
      step = now
    },
  }
}
