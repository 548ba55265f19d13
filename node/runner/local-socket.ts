// Local sockets: where they are, and frames on them: four bytes of length, then the body. Both sides are ours and of one user; a frame that is too long ends the
// socket all the same.
import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const HEAD_BYTES = 4
/** Longer paths cannot name a socket. */
const PATH_BYTES_MAX = 100

export function socketPathOf(folder: string, name = 'socket'): string {
  const path = join(folder, name)
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return path
  return join(tmpdir(), `nimbus-${createHash('sha256').update(path).digest('hex').slice(0, 32)}.sock`)
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
