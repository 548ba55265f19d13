// Lines that a node tells as it finds them, of one output or several, in the order of their times: bounded, made inert, painted
// together. A lost connection is taken up again; what was told twice is shown once.
import { type ReadonlySignal, batch, signal } from '@preact/signals'
import type { LogLineView, MergedRow } from '../../../../protocols/logs/log-line-views.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import { inertText } from '../text/inert-text.ts'

/** What is kept of what was told: the newest by time. */
const FOUND_LINES_MAX = 5_000
const PAINT_MS = 60
const RETRY_MS = 1_500
const RETRIES_MAX = 20

/** `gap`: other lines stand between it and the one above. */
export type ShownLine = Omit<LogLineView, 'type'> & { key: string; gap: boolean }
export type Reach = { lines: number; bytes: number; next: number | null }
export type FoundLines = {
  lines: ReadonlySignal<readonly ShownLine[]>
  hits: ReadonlySignal<number>
  /** By task: how far it was read. */
  reached: ReadonlySignal<ReadonlyMap<string, Reach>>
  /** By task: why it could not be read. */
  faults: ReadonlySignal<ReadonlyMap<string, string>>
  dropped: ReadonlySignal<number>
  state: ReadonlySignal<'reading' | 'live' | 'reconnecting' | 'ended'>
  error: ReadonlySignal<ApiError | undefined>
  /** From the question to the first line that came; undefined until then. */
  firstMs: ReadonlySignal<number | undefined>
  /** Reads these from now on, instead of what was read before; lines that are here stay. */
  read(outputs: Outputs): void
  stop(): void
}
/** `count`: how many outputs are read together. */
export type Outputs = { count: number; open: (signal: AbortSignal) => AsyncIterable<MergedRow> }

export function createFoundLines(): FoundLines {
  const lines = signal<readonly ShownLine[]>([])
  const hits = signal(0)
  const reached = signal<ReadonlyMap<string, Reach>>(new Map())
  const faults = signal<ReadonlyMap<string, string>>(new Map())
  const dropped = signal(0)
  const state = signal<'reading' | 'live' | 'reconnecting' | 'ended'>('reading')
  const error = signal<ApiError | undefined>(undefined)
  const firstMs = signal<number | undefined>(undefined)
  let gone = new AbortController()
  let sources = 0
  const held = new Map<string, ShownLine>()
  const read = new Map<string, Reach>()
  const failed = new Map<string, string>()
  let paint: ReturnType<typeof setTimeout> | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let tries = 0
  let asked = 0

  function take(row: MergedRow): void {
    tries = 0
    if (row.type === 'mark') read.set(row.task, { lines: row.lines, bytes: row.bytes, next: row.next })
    else if (row.type === 'fault')
      failed.set(
        row.task,
        [row.detail, row.cure]
          .filter(Boolean)
          .map((text) => inertText(text ?? ''))
          .join(' '),
      )
    else {
      if (firstMs.peek() === undefined) firstMs.value = performance.now() - asked
      const { type: _, ...line } = row
      const key = `${row.task}/${row.epoch}/${row.line}`
      held.set(key, { ...line, text: inertText(row.text), key, gap: false })
    }
    paint ??= setTimeout(show, PAINT_MS)
  }

  function show(): void {
    clearTimeout(paint)
    paint = undefined
    if (gone.signal.aborted) return
    const sorted = [...held.values()].sort(byTime)
    const over = sorted.length - FOUND_LINES_MAX
    for (const line of sorted.slice(0, Math.max(0, over))) held.delete(line.key)
    const shown = over > 0 ? sorted.slice(over) : sorted
    batch(() => {
      lines.value = withGaps(shown)
      hits.value = shown.filter(({ hit }) => hit).length
      dropped.value += Math.max(0, over)
      reached.value = new Map(read)
      faults.value = new Map(failed)
      error.value = undefined
      if (state.peek() !== 'ended' && sources > 0) state.value = read.size + failed.size >= sources ? 'live' : 'reading'
    })
  }

  async function run(outputs: Outputs, left: AbortSignal): Promise<void> {
    try {
      for await (const row of outputs.open(left)) {
        if (left.aborted) return
        take(row)
      }
      if (left.aborted) return
      state.value = 'ended'
      show()
    } catch (thrown) {
      if (left.aborted) return
      const problem = asApiError(thrown)
      tries += 1
      const isFinal = (problem.status >= 400 && problem.status < 500 && problem.status !== 429) || tries > RETRIES_MAX
      batch(() => {
        state.value = isFinal ? 'ended' : 'reconnecting'
        error.value = isFinal ? problem : undefined
      })
      if (!isFinal) retry = setTimeout(() => void run(outputs, left), RETRY_MS)
    }
  }

  return {
    lines,
    hits,
    reached,
    faults,
    dropped,
    state,
    error,
    firstMs,
    read(outputs) {
      gone.abort()
      clearTimeout(retry)
      gone = new AbortController()
      read.clear()
      failed.clear()
      sources = outputs.count
      asked = performance.now()
      batch(() => {
        state.value = 'reading'
        error.value = undefined
        firstMs.value = undefined
      })
      void run(outputs, gone.signal)
    },
    stop() {
      gone.abort()
      clearTimeout(paint)
      clearTimeout(retry)
    },
  }
}

/** Of one output its own order: two lines of one moment, and a clock that was set back, change nothing in it. */
function byTime(one: ShownLine, two: ShownLine): number {
  if (one.task === two.task) return one.epoch - two.epoch || one.line - two.line
  return one.time - two.time || (one.task < two.task ? -1 : 1)
}

function withGaps(lines: readonly ShownLine[]): ShownLine[] {
  return lines.map((line, at) => {
    const above = lines[at - 1]
    const gap = above !== undefined && above.task === line.task && above.line + 1 < line.line
    return gap === line.gap ? line : { ...line, gap }
  })
}
