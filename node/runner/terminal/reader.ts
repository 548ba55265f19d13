// One attached client as the host sees it: first a screen, then what follows it. One that reads too slowly loses what would wait for it and
// gets a new screen when it has caught up; the terminal itself never waits.
import type { Socket } from 'node:net'
import { TERMINAL_PIECE_BYTES_MAX } from '../../../protocols/limits.ts'
import type { TerminalEvent, TerminalFrame } from '../../../protocols/terminals/frames.ts'
import { encodeTerminalFrame } from '../../../protocols/terminals/frames.ts'
import type { Mirror } from './mirror.ts'
import { frameBytes } from './wire.ts'

/** Bytes that wait for one reader, before it is behind. */
const WAITING_BYTES_MAX = 1024 * 1024
/** Events alone can do that only by a client that says much and reads nothing. */
const EVENT_BYTES_MAX = 4 * 1024 * 1024

export type Reader = {
  client: string
  who: string
  /** Output or a change of size; it is already in the mirror. */
  push(frame: Uint8Array): void
  tell(event: TerminalEvent): void
  /** Draws all of it anew. */
  refresh(): void
  /** Nothing more is drawn until `resume`, which draws all of it anew. */
  pause(): void
  resume(): void
  /** Says a last word; resolves when it is read, or the reader is gone. */
  end(event: TerminalEvent): Promise<void>
  drop(): void
}

export function createReader(
  socket: Socket,
  mirror: Pick<Mirror, 'copy'>,
  { client, who, history }: { client: string; who: string; history: number },
): Reader {
  let behind = false
  let paused = false
  const write = (frame: TerminalFrame): void => void (socket.writable && socket.write(frameBytes(encodeTerminalFrame(frame))))
  const refresh = (): void => {
    if (paused) return
    behind = false
    const { seq, size, text, rest } = mirror.copy(history)
    const bytes = Buffer.from(text)
    let at = 0
    do {
      const piece = bytes.subarray(at, at + TERMINAL_PIECE_BYTES_MAX)
      at += piece.length
      write({ t: 'screen', seq, size, more: at < bytes.length, bytes: piece })
    } while (at < bytes.length)
    if (rest.length > 0) write({ t: 'output', seq, bytes: rest })
  }
  socket.on('drain', () => behind && refresh())
  return {
    client,
    who,
    push(frame) {
      if (behind || paused || !socket.writable) return
      if (socket.writableLength > WAITING_BYTES_MAX) behind = true
      else socket.write(frame)
    },
    tell(event) {
      if (socket.writableLength > EVENT_BYTES_MAX) socket.destroy()
      else write({ t: 'event', event })
    },
    refresh,
    pause() {
      paused = true
    },
    resume() {
      if (!paused) return
      paused = false
      refresh()
    },
    end(event) {
      if (paused || behind) {
        paused = false
        refresh()
      }
      write({ t: 'event', event })
      return new Promise((resolve) => {
        socket.once('close', () => resolve())
        if (socket.destroyed) resolve()
        else socket.end()
      })
    },
    drop: () => socket.destroy(),
  }
}
