// The text of pieces of a task's output, and their size in bytes. A character that was cut between two pieces comes whole
// with the second.
import type { LogChunk } from '../../../../protocols/http/views.ts'

const encoder = new TextEncoder()

/** Decodes the pieces of one output in their order. */
export function createLogDecoder(): (chunk: LogChunk) => string {
  const cut = new Map<LogChunk['stream'], TextDecoder>()
  return (chunk) => {
    if (chunk.base64 !== undefined) {
      const decoder = cut.get(chunk.stream) ?? new TextDecoder('utf-8', { ignoreBOM: true })
      cut.set(chunk.stream, decoder)
      return decoder.decode(bytesOf(chunk.base64), { stream: true })
    }
    // Text begins with a whole character: what was still open before it can no longer be completed.
    const rest = cut.get(chunk.stream)?.decode() ?? ''
    cut.delete(chunk.stream)
    return rest + chunk.text
  }
}

export function logSize(chunk: LogChunk): number {
  return chunk.base64 === undefined ? encoder.encode(chunk.text).length : Math.floor((chunk.base64.replace(/=+$/, '').length * 3) / 4)
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
}
