// Bytes of a task's output as a piece of the log carries them, and back, exactly.
import type { LogChunk } from './http/views.ts'

/** The exact bytes of a piece of output. */
export function logBytes(chunk: Pick<LogChunk, 'text' | 'base64'>): Uint8Array {
  return Buffer.from(chunk.base64 ?? chunk.text, chunk.base64 === undefined ? 'utf8' : 'base64')
}

/** `text` for looking at; `base64` beside it where the text alone would not give the bytes back. */
export function logText(bytes: Uint8Array): { text: string; base64?: string } {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  return text.includes('\ufffd') ? { text, base64: Buffer.from(bytes).toString('base64') } : { text }
}
