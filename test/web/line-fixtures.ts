// Lines of output in the shapes of the API: plain, coloured, hostile.
import type { LogLineView, MergedRow } from '../../protocols/logs/log-line-views.ts'

const TEXTS = [
  '\u001b[32m✓\u001b[0m merge is commutative for 1,480 entries in 12 ms',
  'GET /api/tasks 200 in 3 ms',
  '\u001b[33mwarning\u001b[0m: retry took longer than expected <b>not bold</b> \u202e evil',
  'compiled 212 modules; 3 of them had to be compiled again because their lockfile had changed since the last build of this branch on this worker',
]

/** So many lines of each task, one after another in time, then their marks. */
export function someLines(tasks: readonly string[], count: number, q = ''): MergedRow[] {
  const lines: LogLineView[] = tasks.flatMap((task, of) =>
    Array.from({ length: count }, (_, at) => {
      const text = TEXTS[(at + of) % TEXTS.length] ?? ''
      const time = Date.now() - (count - at) * 1_000 + of * 130
      const stream = (at + of) % 4 === 2 ? ('stderr' as const) : ('stdout' as const)
      return { type: 'line' as const, task, epoch: 1, line: at + 1, offset: at * 80, stream, time, text, size: text.length }
    }),
  )
  const found = q === '' ? lines : lines.filter(({ text }) => text.includes(q)).map((line) => ({ ...line, hit: true }))
  const marks = tasks.map((task) => ({ type: 'mark' as const, task, epoch: 1, lines: count, bytes: count * 80, next: null }))
  return [...found, ...marks]
}
