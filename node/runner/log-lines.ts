// Lines of a log by their number, by a text in them, or the last ones, without holding more than a few. A line belongs to
// one stream and is numbered where it begins, so that every reader of the same bytes counts the same. Pure over pieces of a log.
import { LINE_BYTES_MAX } from '../../protocols/logs/log-lines.ts'
import type { LogChunk, LogStream } from './output-log.ts'

/** What a search remembers of a long line that is not at its end: a text cut by it is still found. */
const OVERLAP_BYTES = 1024
/** Of an unfinished line, until it is looked through. */
const OPEN_BYTES_MAX = 64 * 1024
const LINE_FEED = 10
const ESCAPE = 27
// The same sequences that the dashboard leaves out: what is searched is what is seen.
const TERMINAL_SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  /\u001b\[[0-?]*[ -/]*[@-~]|\u009b[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[ -/]*[0-~]?/g

/** `line` counts from 1, `offset` in bytes from the start of the output; `bytes` without the line feed, cut at LINE_BYTES_MAX of `size`. */
export type LogLine = { line: number; offset: number; stream: LogStream; time: number; bytes: Uint8Array; size: number; hit: boolean }
/** `next`: the line to go on from where a limit ended the scan; null at the end of the log. */
export type LogMark = { lines: number; bytes: number; next: number | null; open: readonly LogLine[] }
/** With `tail` the last lines, else those from `from` on; with `q` those that hold it, ASCII letters in either case, and their neighbours. */
export type LineQuery = { from: number; limit: number; tail?: number | undefined; q?: string | undefined; context: number }

type Open = { first: LogLine; pieces: Uint8Array[]; held: number; hit: boolean }
type Known = Pick<LogMark, 'lines' | 'bytes' | 'open'>

/**
 * Lines as they end. `after` goes on where an earlier reading stood.
 * @param take gets each line that is wanted
 */
export function createLineScanner(query: LineQuery, take: (line: LogLine) => void, after?: Known) {
  const find = query.q === undefined || query.q === '' ? undefined : createMatcher(query.q)
  const open = new Map<LogStream, Open>(
    after?.open.map((line) => [line.stream, { first: line, pieces: [line.bytes], held: line.bytes.length, hit: false }]),
  )
  /** Lines begun so far, bytes read so far, lines or hits given out so far. */
  let lines = after?.lines ?? 0
  let bytes = after?.bytes ?? 0
  let given = 0
  let ends = 0
  let before: LogLine[] = []
  let next: number | null = null

  function ended(line: LogLine): void {
    if (next !== null) return
    if (query.tail !== undefined) {
      if (find === undefined || line.hit) before.push(line)
      if (before.length > query.tail) before.shift()
      return
    }
    if (line.line < query.from) return
    if (find === undefined) give(line)
    else if (line.hit) giveHit(line)
    else if (line.line <= ends && line.line > ends - query.context) take(line)
    else if (query.context > 0) {
      before.push(line)
      if (before.length > query.context) before.shift()
    }
  }

  function giveHit(line: LogLine): void {
    if (given === query.limit) {
      // The next reading begins early enough for its neighbours, and after what was given out here.
      next = Math.max(ends - query.context + 1, line.line - query.context)
      return
    }
    for (const one of before) take(one)
    before = []
    ends = line.line + query.context
    give(line)
  }

  function give(line: LogLine): void {
    if (given === query.limit) {
      next = line.line
      return
    }
    given += 1
    take(line)
  }

  function finish(one: Open): void {
    const whole = Buffer.concat(one.pieces)
    const hit = one.hit || (find?.inLine(whole) ?? false)
    ended({ ...one.first, bytes: shown(whole), hit })
  }

  /** More of a line that is not at its end; what is too much to hold is looked through and let go. */
  function grow(one: Open, piece: Uint8Array): void {
    one.pieces.push(piece)
    one.held += piece.length
    one.first = { ...one.first, size: one.first.size + piece.length }
    if (one.held <= OPEN_BYTES_MAX) return
    const whole = Buffer.concat(one.pieces)
    one.hit ||= find?.inLine(whole) ?? false
    const kept = [Uint8Array.prototype.slice.call(whole, 0, LINE_BYTES_MAX), Uint8Array.prototype.slice.call(whole, -OVERLAP_BYTES)]
    one.pieces = kept
    one.held = LINE_BYTES_MAX + OVERLAP_BYTES
  }

  /** Whole lines of one stream, `whole` ends with a line feed. */
  function takeWhole({ stream, time }: LogChunk, whole: Buffer, offset: number): void {
    const hits = find?.inLines(whole)
    const count = countLines(whole)
    const wanted = isWanted(count, hits)
    if (wanted === 0) {
      lines += count
      return
    }
    let start = wanted === undefined ? 0 : lastLines(whole, wanted)
    lines += wanted === undefined ? 0 : Math.max(0, count - wanted)
    for (let hit = 0; start < whole.length; ) {
      const end = whole.indexOf(LINE_FEED, start)
      while (hits !== undefined && (hits[hit] ?? Infinity) < start) hit += 1
      const line = whole.subarray(start, end)
      lines += 1
      ended({
        line: lines,
        offset: offset + start,
        stream,
        time,
        bytes: shown(line),
        size: line.length,
        hit: hits !== undefined && (hits[hit] ?? Infinity) <= end,
      })
      start = end + 1
    }
  }

  /** How many of the last lines of a piece must be looked at one by one: all where undefined. */
  function isWanted(count: number, hits: readonly number[] | undefined): number | undefined {
    if (query.tail !== undefined && find === undefined) return Math.min(count, query.tail)
    if (hits !== undefined && hits.length === 0 && lines >= ends) return query.tail === undefined ? Math.min(count, query.context) : 0
    return find === undefined && lines + count < query.from ? 0 : undefined
  }

  return {
    isDone: () => next !== null,
    add(chunk: LogChunk): void {
      bytes = chunk.offset + chunk.bytes.length
      let rest = Buffer.from(chunk.bytes.buffer, chunk.bytes.byteOffset, chunk.bytes.byteLength)
      let offset = chunk.offset
      const begun = open.get(chunk.stream)
      if (begun !== undefined) {
        const end = rest.indexOf(LINE_FEED)
        grow(begun, end < 0 ? rest : rest.subarray(0, end))
        if (end < 0) return
        open.delete(chunk.stream)
        finish(begun)
        rest = rest.subarray(end + 1)
        offset += end + 1
      }
      const whole = rest.lastIndexOf(LINE_FEED) + 1
      if (whole > 0) takeWhole(chunk, rest.subarray(0, whole), offset)
      if (whole === rest.length) return
      lines += 1
      const { stream, time } = chunk
      const first: LogLine = { line: lines, offset: offset + whole, stream, time, bytes: new Uint8Array(), size: 0, hit: false }
      const fresh: Open = { first, pieces: [], held: 0, hit: false }
      open.set(stream, fresh)
      grow(fresh, rest.subarray(whole))
    },
    /** What is not ended yet counts as it stands. */
    openLines: (): LogLine[] => [...open.values()].map(asOpenLine).sort((one, two) => one.line - two.line),
    /** Ends the scan: gives out what `tail` held back, and unfinished lines where `isWhole` says that nothing follows. */
    mark(isWhole: boolean): LogMark {
      const left = [...open.values()].sort((one, two) => one.first.line - two.first.line)
      if (isWhole) for (const one of left) finish(one)
      if (query.tail !== undefined) for (const line of before) take(line)
      before = []
      return { lines, bytes, next, open: isWhole ? [] : left.map(asOpenLine) }
    },
  }

  function asOpenLine(one: Open): LogLine {
    return { ...one.first, bytes: shown(Buffer.concat(one.pieces)) }
  }
}

/** A copy: the piece that it comes from is large and goes. */
function shown(line: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(line, 0, LINE_BYTES_MAX)
}

function countLines(whole: Buffer): number {
  let count = 0
  for (let at = whole.indexOf(LINE_FEED); at >= 0; at = whole.indexOf(LINE_FEED, at + 1)) count += 1
  return count
}

/** Where the last `count` lines begin. */
function lastLines(whole: Buffer, count: number): number {
  let at = whole.length - 1
  for (let left = count; left > 0 && at >= 0; left--) at = at === 0 ? -1 : whole.lastIndexOf(LINE_FEED, at - 1)
  return at + 1
}

function createMatcher(q: string) {
  const wanted = lowered(q)
  const isAscii = /^[\u0020-\u007e]*$/.test(q)
  const inLine = (line: Buffer): boolean => {
    const text = line.toString('utf8')
    return lowered(line.includes(ESCAPE) ? text.replace(TERMINAL_SEQUENCE, '') : text).includes(wanted)
  }
  return {
    inLine,
    /** Where lines with a hit begin or go on, in their order. */
    inLines(whole: Buffer): number[] {
      const hits: number[] = []
      if (isAscii && !whole.includes(ESCAPE)) {
        const text = whole.toString('latin1').toLowerCase()
        for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, whole.indexOf(LINE_FEED, at) + 1)) hits.push(at)
        return hits
      }
      for (let start = 0; start < whole.length; ) {
        const end = whole.indexOf(LINE_FEED, start)
        if (inLine(whole.subarray(start, end))) hits.push(start)
        start = end + 1
      }
      return hits
    },
  }
}

/** ASCII letters alone: what else has two cases may change its length. */
function lowered(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}
