// The output of one task as lines in blocks: a block is one signal, so that a growing log repaints only its end.
// Bounded; what was dropped from memory is counted and said.
import { type ReadonlySignal, type Signal, batch, computed, signal } from '@preact/signals'
import type { LogChunk } from '../../../protocols/http/views.ts'
import { type ApiError, asApiError } from '../transport/api-error.ts'
import { inertText } from './text/inert-text.ts'
import { createLogDecoder, logSize } from './text/log-decoder.ts'

export const OUTPUT_LINES_MAX = 5_000
const BLOCK_LINES = 100
/** Longer lines are cut on the screen; the download has them whole. */
const LINE_CHARS_MAX = 4_096
/** The first look at a finished log begins this far before its end. */
const TAIL_BYTES = 512 * 1024
/** Chunks are painted together at this pace, however fast they come. */
const PAINT_MS = 80
const RETRY_MS = 1_500
const RETRIES_MAX = 20

export type OutputLine = { number: number; stream: LogChunk['stream']; time: number; text: string }
export type OutputBlock = { key: number; lines: Signal<readonly OutputLine[]> }
export type OutputState = 'idle' | 'reading' | 'ended' | 'reconnecting'
export type Output = {
  blocks: ReadonlySignal<readonly OutputBlock[]>
  lineCount: ReadonlySignal<number>
  /** Lines that were read and are no longer held. */
  droppedLines: ReadonlySignal<number>
  /** Bytes before the point where reading began. */
  skippedBytes: ReadonlySignal<number>
  state: ReadonlySignal<OutputState>
  error: ReadonlySignal<ApiError | undefined>
  /** Begins reading; with a known size at the tail, unless `whole` is asked. Answers how to stop. */
  open(request: { size: number | undefined; follow: boolean; whole?: boolean }): () => void
}

type Source = (from: number, follow: boolean, signal: AbortSignal) => AsyncIterable<LogChunk>
type OpenLine = { line: OutputLine; raw: string }

export function createOutput(source: Source): Output {
  const blocks = signal<readonly OutputBlock[]>([])
  const lineCount = signal(0)
  const droppedLines = signal(0)
  const skippedBytes = signal(0)
  const state = signal<OutputState>('idle')
  const error = signal<ApiError | undefined>(undefined)
  let pending: LogChunk[] = []
  let paint: ReturnType<typeof setTimeout> | undefined
  const unfinished = new Map<LogChunk['stream'], OpenLine>()
  let decode = createLogDecoder()
  let read = 0

  function reset(from: number): void {
    batch(() => {
      blocks.value = []
      lineCount.value = 0
      droppedLines.value = 0
      skippedBytes.value = from
    })
    unfinished.clear()
    decode = createLogDecoder()
    pending = []
    read = 0
  }

  function flush(): void {
    clearTimeout(paint)
    paint = undefined
    const chunks = pending
    pending = []
    const fresh: OutputLine[] = []
    const grown = new Set<number>()
    for (const chunk of chunks) take(chunk, fresh, grown)
    batch(() => {
      for (const block of blocks.peek()) {
        const lines = block.lines.peek()
        if (lines.some((line) => grown.has(line.number))) block.lines.value = [...lines]
      }
      append(fresh)
    })
  }

  /** Splits one chunk into lines; an unfinished line of the same stream grows in place. */
  function take(chunk: LogChunk, fresh: OutputLine[], grown: Set<number>): void {
    const pieces = decode(chunk).split('\n')
    for (const [at, piece] of pieces.entries()) {
      const lastPiece = at === pieces.length - 1
      if (lastPiece && piece === '') return
      let current = unfinished.get(chunk.stream)
      if (current === undefined) {
        read += 1
        current = { raw: '', line: { number: read, stream: chunk.stream, time: chunk.time, text: '' } }
        unfinished.set(chunk.stream, current)
        fresh.push(current.line)
      } else grown.add(current.line.number)
      // A bar that redraws itself for hours never ends its line: only what can still be shown is kept.
      current.raw = (current.raw + piece).slice(-4 * LINE_CHARS_MAX)
      const text = inertText(current.raw)
      current.line.text =
        text.length > LINE_CHARS_MAX ? `${text.slice(0, LINE_CHARS_MAX)} … ${text.length - LINE_CHARS_MAX} more characters` : text
      if (!lastPiece) unfinished.delete(chunk.stream)
    }
  }

  function append(lines: readonly OutputLine[]): void {
    if (lines.length === 0) return
    const list = [...blocks.peek()]
    for (const line of lines) {
      let block = list.at(-1)
      if (block === undefined || block.lines.peek().length >= BLOCK_LINES) {
        block = { key: line.number, lines: signal([]) }
        list.push(block)
      }
      block.lines.value = [...block.lines.peek(), line]
    }
    let held = lineCount.peek() + lines.length
    while (held > OUTPUT_LINES_MAX) {
      const dropped = list.shift()?.lines.peek().length ?? held
      held -= dropped
      droppedLines.value += dropped
    }
    lineCount.value = held
    if (list.length !== blocks.peek().length || list[0] !== blocks.peek()[0] || list.at(-1) !== blocks.peek().at(-1)) blocks.value = list
  }

  async function run(from: number, follow: boolean, stop: AbortSignal): Promise<void> {
    let offset = from
    for (let tries = 0; !stop.aborted; tries++) {
      try {
        for await (const chunk of source(offset, follow, stop)) {
          if (stop.aborted) return
          tries = 0
          state.value = 'reading'
          offset = chunk.offset + logSize(chunk)
          pending.push(chunk)
          paint ??= setTimeout(flush, PAINT_MS)
        }
        flush()
        state.value = 'ended'
        return
      } catch (thrown) {
        if (stop.aborted) return
        flush()
        const problem = asApiError(thrown)
        const final = (problem.status >= 400 && problem.status < 500) || tries >= RETRIES_MAX
        batch(() => {
          state.value = final ? 'ended' : 'reconnecting'
          error.value = final ? problem : undefined
        })
        if (final) return
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
  }

  return {
    blocks,
    lineCount,
    droppedLines,
    skippedBytes,
    state: computed(() => state.value),
    error,
    open({ size, follow, whole }) {
      const from = whole || size === undefined ? 0 : Math.max(0, size - TAIL_BYTES)
      const controller = new AbortController()
      reset(from)
      state.value = 'reading'
      error.value = undefined
      void run(from, follow, controller.signal)
      return () => {
        controller.abort()
        clearTimeout(paint)
        paint = undefined
      }
    },
  }
}
