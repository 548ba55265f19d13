// Lines found in pieces of a log, against the plain way: all of it at once, split and filtered.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLineScanner, type LineQuery, type LogLine } from '../../../node/runner/log-lines.ts'
import type { LogChunk, LogStream } from '../../../node/runner/output-log.ts'

const ALL: LineQuery = { from: 1, limit: 1e9, context: 0 }
type Piece = readonly [stream: LogStream, text: string]

function chunksOf(pieces: readonly Piece[]): LogChunk[] {
  let offset = 0
  return pieces.map(([stream, text], at) => {
    const bytes = Buffer.from(text)
    const chunk = { offset, stream, time: 1_000 + at, bytes }
    offset += bytes.length
    return chunk
  })
}

function scan(chunks: readonly LogChunk[], query: Partial<LineQuery>) {
  const lines: LogLine[] = []
  const scanner = createLineScanner({ ...ALL, ...query }, (line) => lines.push(line))
  for (const chunk of chunks) {
    if (scanner.isDone()) break
    scanner.add(chunk)
  }
  const mark = scanner.mark(true)
  return { lines, mark, texts: lines.map(({ line, bytes }) => `${line} ${Buffer.from(bytes).toString()}`) }
}

/** A line is numbered where its first byte stands. */
function plainly(pieces: readonly Piece[]): { line: number; text: string }[] {
  const lines: { line: number; text: string; open: boolean }[] = []
  const open = new Map<LogStream, { line: number; text: string; open: boolean }>()
  for (const [stream, text] of pieces)
    for (const letter of text) {
      let one = open.get(stream)
      if (one === undefined) {
        one = { line: lines.length + 1, text: '', open: true }
        lines.push(one)
        open.set(stream, one)
      }
      if (letter === '\n') open.delete(stream)
      else one.text += letter
    }
  return lines
}

const pieces = fc.array(
  fc.tuple(
    fc.constantFrom<LogStream>(1, 2, 3),
    fc
      .array(fc.constantFrom('a', 'B', 'b', 'é', ' ', '\n', '\n', 'needle', 'NEE', 'dle', '\u001b[31mnee\u001b[0mdle'), {
        minLength: 1,
        maxLength: 12,
      })
      .map((words) => words.join('')),
  ),
  { maxLength: 25 },
)
const seen = (text: string) => text.replace(/\u001b\[\d+m/g, '').toLowerCase()

test('however it is cut, the lines and their numbers are those of the whole', () => {
  fc.assert(
    fc.property(pieces, (cut) => {
      const expected = plainly(cut)
      const { lines, mark } = scan(chunksOf(cut), {})
      const got = lines.map(({ line, bytes }) => ({ line, text: Buffer.from(bytes).toString() })).sort((one, two) => one.line - two.line)
      expect(got).toEqual(expected.map(({ line, text }) => ({ line, text })))
      expect(mark.lines).toBe(expected.length)
    }),
  )
})

test('a text is found in every line that shows it, in either case, over the cut of a piece and over colours', () => {
  fc.assert(
    fc.property(pieces, (cut) => {
      const expected = plainly(cut).filter(({ text }) => seen(text).includes('needle'))
      const got = scan(chunksOf(cut), { q: 'NEEDLE' }).lines.map(({ line }) => line)
      expect(got.sort((one, two) => one - two)).toEqual(expected.map(({ line }) => line))
    }),
  )
})

test('the last lines are the last that ended', () => {
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 6 }), (cut, tail) => {
      const all = scan(chunksOf(cut), {}).lines.map(({ line }) => line)
      expect(scan(chunksOf(cut), { tail }).lines.map(({ line }) => line)).toEqual(all.slice(-tail))
    }),
  )
})

const numbered = (count: number): Piece[] => {
  const lines = Array.from({ length: count }, (_, at) => `line ${at + 1}${(at + 1) % 10 === 0 ? ' ten' : ''}\n`)
  return Array.from({ length: Math.ceil(count / 7) }, (_, at): Piece => [1, lines.slice(at * 7, at * 7 + 7).join('')])
}

test('lines from a number on, up to a limit, which says where to go on', () => {
  const chunks = chunksOf(numbered(100))
  const { texts, mark } = scan(chunks, { from: 33, limit: 3 })
  expect(texts).toEqual(['33 line 33', '34 line 34', '35 line 35'])
  expect(mark.next).toBe(36)
  expect(scan(chunks, { from: 99, limit: 3 }).mark).toEqual({ lines: 100, bytes: 832, next: null, open: [] })
})

test('a hit comes with its neighbours, each line once, also over several readings', () => {
  const chunks = chunksOf(numbered(100))
  const { lines } = scan(chunks, { q: 'ten', context: 2, limit: 2 })
  expect(lines.map(({ line, hit }) => (hit ? -line : line))).toEqual([8, 9, -10, 11, 12, 18, 19, -20, 21, 22])
  const first = scan(chunks, { q: 'ten', context: 7, limit: 2 })
  const second = scan(chunks, { q: 'ten', context: 7, limit: 100, from: first.mark.next ?? 0 })
  const hits = [...first.lines, ...second.lines].filter(({ hit }) => hit).map(({ line }) => line)
  expect(hits).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
})

test('what follows a mark is counted on, with the line that was open then', () => {
  const chunks = chunksOf([
    [1, 'one\ntw'],
    [2, 'err'],
    [1, 'o\nthree\n'],
    [2, 'or\n'],
  ])
  const before = createLineScanner(ALL, () => undefined)
  for (const chunk of chunks.slice(0, 2)) before.add(chunk)
  const mark = before.mark(false)
  expect(mark.open.map(({ line, bytes }) => [line, Buffer.from(bytes).toString()])).toEqual([
    [2, 'tw'],
    [3, 'err'],
  ])
  const lines: string[] = []
  const after = createLineScanner(ALL, ({ line, bytes }) => lines.push(`${line} ${Buffer.from(bytes).toString()}`), mark)
  for (const chunk of chunks.slice(2)) after.add(chunk)
  expect(lines).toEqual(['2 two', '4 three', '3 error'])
  expect(after.mark(true).lines).toBe(4)
})

test('a line of a megabyte costs a few kilobytes, says its size, and is searched to its end', () => {
  const long = Array.from({ length: 32 }, (): Piece => [1, 'x'.repeat(32_768)])
  const { lines } = scan(chunksOf([...long, [1, 'nee'], [1, 'dle']]), { q: 'needle' })
  expect(lines.map(({ line, size, hit, bytes }) => [line, size, hit, bytes.length])).toEqual([[1, 32 * 32_768 + 6, true, 4_096]])
})
