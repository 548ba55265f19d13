// The socket between a terminal's host and its node: where it is, frames with four bytes of length, and what the node says. Both sides
// are ours and of one user; what they say is checked all the same, since attached clients stand behind it.
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { attachRequest, terminalSaying, terminalSize } from '../../../protocols/terminals/frames.ts'

const HEAD_BYTES = 4
/** A saying in JSON: six bytes for each character at most. */
export const SAID_BYTES_MAX = 256 * 1024
/** Longer paths cannot name a socket. */
const PATH_BYTES_MAX = 100

export const toHost = z.discriminatedUnion('t', [
  z.strictObject({ t: z.literal('attach'), ...attachRequest.shape }),
  /** `n` counts the sayings of a client; one that was said before is not taken twice. */
  z.strictObject({ t: z.literal('say'), n: z.int().min(1), say: terminalSaying }),
  /** The node whose task it is. */
  z.strictObject({ t: z.literal('control'), epoch: z.int().min(1) }),
  z.strictObject({ t: z.literal('end'), graceMs: z.int().min(0).max(60_000) }),
])
export type ToHost = z.infer<typeof toHost>

/** What the host is started with, on its standard input. */
export const hostOrder = z.strictObject({
  folder: z.string(),
  task: z.string(),
  argv: z.array(z.string()).min(1),
  cwd: z.string(),
  env: z.record(z.string(), z.string()),
  size: terminalSize,
})
export type HostOrder = z.infer<typeof hostOrder>

/** How a terminal ended, as its host leaves it for whoever asks later. `screen`: its last text. */
export const hostEnd = z.strictObject({
  exitCode: z.int().optional(),
  signal: z.string().optional(),
  /** Ended because somebody asked for it. */
  asked: z.boolean(),
  endedAt: z.number(),
  screen: z.string(),
})
export type HostEnd = z.infer<typeof hostEnd>

export const END_FILE = 'end.json'

export function socketPathOf(folder: string): string {
  const path = join(folder, 'socket')
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return path
  return join(tmpdir(), `nimbus-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}.sock`)
}

export function frameBytes(body: Uint8Array): Uint8Array {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeUInt32BE(body.length)
  return Buffer.concat([head, body])
}

/** The frames of a socket, pulled: where nobody takes them, the other side waits. Ends with the socket; a frame that is too long ends it. */
export async function* framesOf(socket: Socket, bytesMax: number): AsyncGenerator<Uint8Array> {
  let pieces: Buffer[] = []
  let size = 0
  let wanted = HEAD_BYTES
  for await (const piece of socket as AsyncIterable<Buffer>) {
    pieces.push(piece)
    size += piece.length
    if (size < wanted) continue
    let bytes = Buffer.concat(pieces)
    while (bytes.length >= HEAD_BYTES) {
      const length = bytes.readUInt32BE()
      if (length > bytesMax) {
        socket.destroy()
        return
      }
      if (bytes.length < HEAD_BYTES + length) break
      yield bytes.subarray(HEAD_BYTES, HEAD_BYTES + length)
      bytes = bytes.subarray(HEAD_BYTES + length)
    }
    pieces = bytes.length === 0 ? [] : [bytes]
    size = bytes.length
    wanted = bytes.length < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + bytes.readUInt32BE()
  }
}
