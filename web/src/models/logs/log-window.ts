// One output as a window over its numbered lines: what is looked at is fetched by number, what left the sight is let go, and
// what is written comes at the end. A log of a million lines costs what is on the screen.
import { type ReadonlySignal, batch, signal } from '@preact/signals'
import type { LogLineView, LogRow } from '../../../../protocols/logs/log-line-views.ts'
import { type ApiError, asApiError } from '../../transport/api-error.ts'
import type { LineQuery } from '../../transport/work/line-calls.ts'
import { inertText } from '../text/inert-text.ts'

const PAGE_LINES = 200
/** Beyond this the pages that are farthest from the sight go. */
const PAGES_MAX = 40
/** The last lines, which come with the first answer. */
const TAIL_LINES = 400
/** A scroll that goes on asks for what it stops at. */
const ASK_AFTER_MS = 40
const PAINT_MS = 60
const RETRY_MS = 1_500
const RETRIES_MAX = 20

export type WindowLine = Omit<LogLineView, 'type' | 'task'>
export type LogWindow = {
  /** How many lines there are; undefined until the first answer. */
  total: ReadonlySignal<number | undefined>
  bytes: ReadonlySignal<number>
  /** Grows with each change of what `line` answers. */
  version: ReadonlySignal<number>
  state: ReadonlySignal<'reading' | 'live' | 'reconnecting' | 'ended'>
  error: ReadonlySignal<ApiError | undefined>
  line(number: number): WindowLine | undefined
  /** What is in sight: it is fetched where it is not here. */
  look(first: number, last: number): void
  stop(): void
}

export function createLogWindow(read: (query: LineQuery, signal: AbortSignal) => AsyncIterable<LogRow>): LogWindow {
  const total = signal<number | undefined>(undefined)
  const bytes = signal(0)
  const version = signal(0)
  const state = signal<'reading' | 'live' | 'reconnecting' | 'ended'>('reading')
  const error = signal<ApiError | undefined>(undefined)
  const pages = new Map<number, Map<number, WindowLine>>()
  const gone = new AbortController()
  let seen = { first: 1, last: 1 }
  let newest = 0
  let asking: AbortController | undefined
  let ask: ReturnType<typeof setTimeout> | undefined
  let paint: ReturnType<typeof setTimeout> | undefined
  let retry: ReturnType<typeof setTimeout> | undefined
  let tries = 0

  function put({ type: _, task: __, ...line }: LogLineView): void {
    const at = pageOf(line.line)
    const page = pages.get(at) ?? new Map<number, WindowLine>()
    page.set(line.line, { ...line, text: inertText(line.text) })
    pages.set(at, page)
    newest = Math.max(newest, line.line)
    // Not while a flood comes in: with the next paint.
    if (pages.size > PAGES_MAX * 2) letGo()
    paint ??= setTimeout(show, PAINT_MS)
  }

  function letGo(): void {
    const middle = pageOf((seen.first + seen.last) / 2)
    const last = pageOf(newest)
    // The end stays: it is where a person goes back to.
    const away = [...pages.keys()].filter((at) => at < last - 1).sort((one, two) => Math.abs(two - middle) - Math.abs(one - middle))
    for (const at of away.slice(0, Math.max(0, pages.size - PAGES_MAX))) pages.delete(at)
  }

  function show(): void {
    paint = undefined
    letGo()
    batch(() => {
      if (state.peek() !== 'reading') total.value = Math.max(total.peek() ?? 0, newest)
      version.value += 1
    })
  }

  async function follow(): Promise<void> {
    try {
      for await (const row of read({ tail: TAIL_LINES, follow: true }, gone.signal)) {
        tries = 0
        if (row.type === 'line') {
          put(row)
          continue
        }
        batch(() => {
          newest = Math.max(newest, row.lines)
          total.value = newest
          bytes.value = row.bytes
          state.value = 'live'
          error.value = undefined
        })
        fetchSoon()
      }
      state.value = 'ended'
      paint ??= setTimeout(show, PAINT_MS)
    } catch (thrown) {
      failed(thrown, () => void follow())
    }
  }

  function failed(thrown: unknown, again: () => void): void {
    if (gone.signal.aborted) return
    const problem = asApiError(thrown)
    tries += 1
    const isFinal = (problem.status >= 400 && problem.status < 500 && problem.status !== 429) || tries > RETRIES_MAX
    batch(() => {
      state.value = isFinal ? 'ended' : 'reconnecting'
      error.value = isFinal ? problem : undefined
    })
    if (!isFinal) retry = setTimeout(again, RETRY_MS)
  }

  /** The missing pages of what is in sight, in one request; what is still asked for elsewhere is given up. */
  function fetchMissing(): void {
    ask = undefined
    const missing: number[] = []
    const end = Math.min(seen.last, total.peek() ?? 0)
    for (let at = pageOf(seen.first); at <= pageOf(end); at++) if (!isWhole(at)) missing.push(at)
    const [first] = missing
    asking?.abort()
    asking = undefined
    if (first === undefined || end === 0) return
    const mine = new AbortController()
    asking = mine
    const from = first * PAGE_LINES + 1
    const limit = Math.min(2_000, ((missing.at(-1) ?? first) - first + 1) * PAGE_LINES)
    void fetchPages({ from, limit }, mine.signal)
  }

  async function fetchPages(query: LineQuery, stop: AbortSignal): Promise<void> {
    try {
      for await (const row of read(query, AbortSignal.any([stop, gone.signal]))) if (row.type === 'line') put(row)
      if (state.peek() === 'reconnecting') state.value = 'live'
    } catch (thrown) {
      if (!stop.aborted) failed(thrown, fetchSoon)
    }
  }

  function isWhole(at: number): boolean {
    const lines = Math.min(PAGE_LINES, (total.peek() ?? 0) - at * PAGE_LINES)
    return (pages.get(at)?.size ?? 0) >= lines
  }

  function fetchSoon(): void {
    ask ??= setTimeout(fetchMissing, ASK_AFTER_MS)
  }

  void follow()
  return {
    total,
    bytes,
    version,
    state,
    error,
    line: (number) => pages.get(pageOf(number))?.get(number),
    look(first, last) {
      if (first === seen.first && last === seen.last) return
      seen = { first, last }
      clearTimeout(ask)
      ask = setTimeout(fetchMissing, ASK_AFTER_MS)
    },
    stop() {
      gone.abort()
      for (const timer of [ask, paint, retry]) clearTimeout(timer)
    },
  }
}

function pageOf(line: number): number {
  return Math.floor((Math.max(1, line) - 1) / PAGE_LINES)
}
