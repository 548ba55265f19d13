// Reads a task's output, or the messages of a session, as JSON lines while they grow. A line that cannot be read ends the stream with an error.
import type { LogChunk } from '../../../protocols/http/views.ts'
import { ApiError } from './api-error.ts'

/** A chunk is at most 64 kB of output; escaped it stays below this. More means that this is not our stream. */
const LINE_CHARS_MAX = 1024 * 1024

export async function* readLogChunks<Line = LogChunk>(body: ReadableStream<Uint8Array>): AsyncIterable<Line> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true })
      const lines = rest.split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > LINE_CHARS_MAX) throw broken(`a line of more than ${LINE_CHARS_MAX} characters`)
      for (const line of lines) if (line !== '') yield parse<Line>(line)
      if (!done) continue
      if (rest !== '') yield parse<Line>(rest)
      return
    }
  } finally {
    await reader.cancel()
  }
}

function parse<Line>(line: string): Line {
  try {
    return JSON.parse(line) as Line
  } catch {
    throw broken('a line that is not JSON')
  }
}

function broken(what: string): ApiError {
  return new ApiError({
    code: 'log-unreadable',
    detail: `The output could not be read: the node sent ${what}.`,
    status: 0,
    cure: 'Load the page again.',
  })
}
