import { describe, expect, test, vi } from 'vitest'
import type { LogChunk } from '../../../protocols/http/views.ts'
import { OUTPUT_LINES_MAX, createOutput } from '../../../web/src/models/output.ts'
import { ApiError } from '../../../web/src/transport/api-error.ts'

const chunk = (offset: number, text: string, stream: LogChunk['stream'] = 'stdout'): LogChunk => ({ offset, stream, time: 0, text })

function outputOf(chunks: LogChunk[]) {
  return createOutput(async function* () {
    yield* chunks
  })
}
const linesOf = (output: ReturnType<typeof createOutput>) =>
  output.blocks.value.flatMap((block) => block.lines.value.map((line) => line.text))
const ended = (output: ReturnType<typeof createOutput>) => vi.waitFor(() => expect(output.state.value).toBe('ended'), { timeout: 4_000 })

describe('the output of a task', () => {
  test('a line split over chunks is one line, apart for each stream', async () => {
    const output = outputOf([chunk(0, 'one '), chunk(4, 'warn', 'stderr'), chunk(8, 'line\ntwo\n'), chunk(17, 'ing\n', 'stderr')])
    output.open({ size: undefined, follow: false })
    await ended(output)
    expect(linesOf(output)).toEqual(['one line', 'warning', 'two'])
  })

  test('an escape sequence split over chunks does not reach the screen', async () => {
    const output = outputOf([chunk(0, 'a\u001b[3'), chunk(4, '1mb\n')])
    output.open({ size: undefined, follow: false })
    await ended(output)
    expect(linesOf(output)).toEqual(['ab'])
  })

  test('a character cut between two pieces comes whole', async () => {
    const bytes = new TextEncoder().encode('größe\n')
    const piece = (from: number, to?: number): LogChunk => ({
      offset: from,
      stream: 'stdout',
      time: 0,
      text: '\ufffd',
      base64: btoa(String.fromCharCode(...bytes.subarray(from, to))),
    })
    const output = outputOf([piece(0, 3), piece(3, 6), piece(6), chunk(8, 'next\n')])
    output.open({ size: undefined, follow: false })
    await ended(output)
    expect(linesOf(output)).toEqual(['größe', 'next'])
  })

  test('what is more than the limit is dropped from the start and counted', async () => {
    const lines = Array.from({ length: OUTPUT_LINES_MAX + 1_250 }, (_, at) => `line ${at}\n`)
    const output = outputOf([chunk(0, lines.join(''))])
    output.open({ size: undefined, follow: false })
    await ended(output)
    expect(output.lineCount.value).toBeLessThanOrEqual(OUTPUT_LINES_MAX)
    expect(output.lineCount.value + output.droppedLines.value).toBe(lines.length)
    expect(linesOf(output).at(-1)).toBe(`line ${lines.length - 1}`)
  })

  test('a long finished log is read from near its end, and from the start when asked', async () => {
    const from: number[] = []
    const output = createOutput(async function* (offset) {
      from.push(offset)
      yield chunk(offset, 'x\n')
    })
    output.open({ size: 10_000_000, follow: false })()
    expect(output.skippedBytes.value).toBe(10_000_000 - 512 * 1024)
    output.open({ size: 10_000_000, follow: false, whole: true })
    await ended(output)
    expect(from.at(-1)).toBe(0)
  })

  test('after a lost connection it goes on from the byte after the last one read', async () => {
    const from: number[] = []
    const output = createOutput(async function* (offset) {
      from.push(offset)
      if (from.length === 1) {
        yield chunk(0, 'ö\n')
        throw new TypeError('network')
      }
      yield chunk(offset, 'end\n')
    })
    output.open({ size: undefined, follow: true })
    await ended(output)
    expect(from).toEqual([0, 3])
    expect(linesOf(output)).toEqual(['ö', 'end'])
  })

  test('a refusal ends the reading and is shown', async () => {
    const output = createOutput(async function* () {
      yield* []
      throw new ApiError({ code: 'log-gone', detail: 'The log is gone.', status: 404 })
    })
    output.open({ size: undefined, follow: true })
    await ended(output)
    expect(output.error.value?.code).toBe('log-gone')
  })
})
