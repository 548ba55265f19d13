// Writes a task's output where it belongs: its stdout to ours, its stderr to ours. Byte for byte into files and pipes;
// on a terminal control sequences are made visible, so that no task can repaint what the person sees.
import { once } from 'node:events'
import type { LogChunk } from '../../../protocols/http/views.ts'
import { logBytes } from '../../../protocols/log-bytes.ts'
import { safeLines } from '../../kernel/safe-text.ts'
import type { Cli } from '../context.ts'

export function createLogWriter(cli: Cli): (chunk: LogChunk) => Promise<void> {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() }
  return async (chunk) => {
    if (cli.globals.json) return cli.printJson({ event: 'log', ...chunk })
    if (chunk.stream === 'system') return cli.note(`nimbus: ${safeLines(chunk.text).trimEnd()}`)
    const stream = cli.io[chunk.stream]
    const bytes = logBytes(chunk)
    const more = stream.write(stream.isTTY ? safeLines(decoders[chunk.stream].decode(bytes, { stream: true })) : bytes)
    if (!more) await once(stream, 'drain') // a slow reader slows the task's output, not our memory
  }
}
