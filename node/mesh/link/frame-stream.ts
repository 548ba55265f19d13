// Frames over a libp2p stream: four bytes of length, big endian, then the frame. Reading is pulled: while nobody takes
// frames, at most one of the largest size and one stream window wait in memory, and then the other side waits.
// Never `for await` the stream itself (it has no back-pressure) and never `onDrain()` (it waits only once).
import type { Stream } from '@libp2p/interface'

const HEAD_BYTES = 4

export type FrameStream = {
  /** The next frame; undefined at the end of the stream. Throws where the peer breaks the framing or the stream. */
  read(): Promise<Uint8Array | undefined>
  /** Writes frames in one go; resolves when the stream takes more. */
  write(...frames: Uint8Array[]): Promise<void>
  /** No more will be written; what is under way still arrives. */
  close(): void
  /** Ends both directions at once. */
  abort(reason: string): void
  onClose(listener: () => void): void
  /** From now on frames may be this long: a stranger's limit is low until it is no stranger. */
  allow(frameBytesMax: number): void
}

/** @param frameBytesMax a longer frame ends the stream: the length is checked before anything is kept for it */
export function frameStream(stream: Stream, frameBytesMax: number): FrameStream {
  const inbox = createInbox(frameBytesMax)
  let wake: () => void = () => {}
  let ended = stream.status !== 'open' && stream.readStatus === 'closed'

  stream.addEventListener('message', (event) => {
    inbox.push(event.data instanceof Uint8Array ? event.data : event.data.subarray())
    wake()
    // Not inside the event: the resume() that may have brought it here would undo the pause.
    if (inbox.full()) queueMicrotask(() => inbox.full() && stream.readStatus === 'readable' && stream.pause())
  })
  const end = (): void => {
    ended = true
    wake()
  }
  stream.addEventListener('remoteCloseWrite', end)
  stream.addEventListener('end', end)
  stream.addEventListener('close', end)

  const drained = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void) => () => {
        stream.removeEventListener('drain', onDrain)
        stream.removeEventListener('close', onClose)
        act()
      }
      const onDrain = settle(resolve)
      const onClose = settle(() => reject(new Error('the stream closed while a frame was being sent')))
      stream.addEventListener('drain', onDrain)
      stream.addEventListener('close', onClose)
    })

  return {
    async read() {
      for (;;) {
        const frame = inbox.take()
        if (!inbox.full() && stream.readStatus === 'paused') stream.resume()
        if (frame !== undefined) return frame
        if (ended && stream.readBufferLength === 0) {
          if (stream.status === 'reset' || stream.status === 'aborted') throw new Error(`the stream was ${stream.status}`)
          return undefined
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    async write(...frames) {
      if (!stream.send(joined(frames))) await drained()
    },
    close() {
      stream.close().catch(() => {}) // it is closed or broken already: the end is what was asked for
    },
    abort(reason) {
      stream.abort(new Error(reason))
    },
    onClose(listener) {
      stream.addEventListener('close', listener, { once: true })
      if (stream.status !== 'open') queueMicrotask(listener)
    },
    allow: inbox.allow,
  }
}

/** One piece of bytes for all frames: a small send for each would cost a header and an encryption each. */
function joined(frames: Uint8Array[]): Uint8Array {
  const parts: Uint8Array[] = []
  for (const frame of frames) {
    const head = Buffer.allocUnsafe(HEAD_BYTES)
    head.writeUInt32BE(frame.length)
    parts.push(head, frame)
  }
  return Buffer.concat(parts)
}

type Inbox = { push(bytes: Uint8Array): void; take(): Uint8Array | undefined; full(): boolean; allow(frameBytesMax: number): void }

function createInbox(firstBytesMax: number): Inbox {
  let frameBytesMax = firstBytesMax
  let pieces: Uint8Array[] = []
  let bytes = 0
  const joinedPieces = (): Uint8Array => {
    if (pieces.length > 1) pieces = [Buffer.concat(pieces)]
    return pieces[0] ?? new Uint8Array()
  }
  const lengthOfNext = (): number | undefined => {
    if (bytes < HEAD_BYTES) return undefined
    const head = (pieces[0]?.length ?? 0) >= HEAD_BYTES ? (pieces[0] as Uint8Array) : joinedPieces()
    const length = new DataView(head.buffer, head.byteOffset, HEAD_BYTES).getUint32(0)
    if (length > frameBytesMax) throw new Error(`a frame of ${length} bytes is over the limit of ${frameBytesMax}`)
    return length
  }
  return {
    push(piece) {
      pieces.push(piece)
      bytes += piece.length
    },
    take() {
      const length = lengthOfNext()
      if (length === undefined || bytes < HEAD_BYTES + length) return undefined
      const all = (pieces[0]?.length ?? 0) >= HEAD_BYTES + length ? (pieces[0] as Uint8Array) : joinedPieces()
      const rest = all.subarray(HEAD_BYTES + length)
      if (rest.length > 0) pieces[0] = rest
      else pieces.shift()
      bytes -= HEAD_BYTES + length
      return all.subarray(HEAD_BYTES, HEAD_BYTES + length)
    },
    // With this much at least one whole frame is there, so a paused stream always has something to take.
    full: () => bytes >= HEAD_BYTES + frameBytesMax,
    allow(bytesMax) {
      frameBytesMax = bytesMax
    },
  }
}
