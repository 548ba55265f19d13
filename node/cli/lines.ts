// Cuts a stream of bytes into lines of text. A line that never ends is an error, not a growing buffer.
import { NimbusError } from '../kernel/errors.ts'

const LINE_CHARS_MAX = 8 * 1024 * 1024

/** Lines without their line feed; the last one also where none follows it. */
export async function* linesOf(source: AsyncIterable<Uint8Array> | null): AsyncGenerator<string> {
  if (source === null) return
  const decoder = new TextDecoder()
  let open = ''
  for await (const piece of source) {
    const parts = (open + decoder.decode(piece, { stream: true })).split('\n')
    open = parts.pop() ?? ''
    yield* parts
    if (open.length > LINE_CHARS_MAX)
      throw new NimbusError('line-too-long', `A line is longer than ${LINE_CHARS_MAX} characters.`, { cure: 'Cut it into lines.' })
  }
  open += decoder.decode()
  if (open !== '') yield open
}
