// All who are attached to one terminal: lets them in, hands them output, takes what the one who writes types. What a client said is taken
// once, also where his node was not sure and said it again.
import type { Socket } from 'node:net'
import type { AttachRequest, TerminalEvent, TerminalSaying, TerminalSize } from '../../../protocols/terminals/frames.ts'
import { encodeTerminalFrame } from '../../../protocols/terminals/frames.ts'
import { TERMINAL_PIECE_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Mirror } from './mirror.ts'
import { withoutReplies } from './own-replies.ts'
import type { Reader } from './reader.ts'
import { createReader } from './reader.ts'
import { frameBytes } from './wire.ts'
import { createWriterLease } from './writer-lease.ts'

/** Clients attached at a time; one more is refused. */
const READERS_MAX = 64
/** Links of which the last saying is remembered; the oldest is forgotten. */
const SAID_MAX = 256

type Parts = {
  clock: Clock
  mirror: Mirror
  /** False where the program has too much to read already. */
  type(text: string): boolean
  resize(size: TerminalSize): void
}

export type Attachments = {
  /** @returns what to do with what this client says; it leaves when its socket closes */
  attach(socket: Socket, request: AttachRequest): (n: number, say: TerminalSaying) => void
  /** Output that is in the mirror already. @param seq bytes before it */
  output(seq: number, bytes: Uint8Array): void
  resized(size: TerminalSize): void
  refreshAll(): void
  /** Resolves when all have read the end, or are gone. */
  end(event: TerminalEvent): Promise<void>
}

export function createAttachments({ clock, mirror, type, resize }: Parts): Attachments {
  const readers = new Map<string, Reader>()
  const said = new Map<string, number>()
  const lease = createWriterLease(clock, (lost) => {
    for (const { client, tell } of readers.values()) tell({ t: 'writer', ...standing(client), ...(client === lost ? { taken: true } : {}) })
  })
  const standing = (client: string) => {
    const writer = lease.current()
    return { you: lease.isWriter(client), ...(writer === undefined ? {} : { writer }) }
  }
  const all = (frame: Uint8Array): void => {
    for (const reader of readers.values()) reader.push(frame)
  }
  /** Whether this is new: one link counts up. */
  const isNew = (link: string, n: number): boolean => {
    const before = said.get(link) ?? 0
    said.delete(link)
    said.set(link, Math.max(before, n))
    if (said.size > SAID_MAX) said.delete(said.keys().next().value as string)
    return n > before
  }
  const obey = (reader: Reader, say: TerminalSaying): void => {
    const { client, who, tell } = reader
    if (say.t === 'pause') return reader.pause()
    if (say.t === 'resume') return reader.resume()
    if (say.t === 'take') return void lease.ask(client, who, 'take')
    if (say.t === 'bye') return lease.release(client)
    if (!lease.isWriter(client)) return tell(notWriter(lease.current()?.who))
    if (say.t === 'resize') return resize({ cols: say.cols, rows: say.rows })
    const text = withoutReplies(say.data)
    if (text !== '' && !type(text)) tell(notRead())
  }
  return {
    attach(socket, request) {
      const { client, link, who, mode } = request
      const refuse = (event: TerminalEvent): (() => void) => {
        socket.end(frameBytes(encodeTerminalFrame({ t: 'event', event })))
        return () => {}
      }
      if (!readers.has(client) && readers.size >= READERS_MAX) return refuse(full())
      const isWriter = lease.ask(client, who, mode)
      if (!isWriter && mode === 'write')
        return refuse(hasWriter(lease.current()?.who ?? 'somebody', clock.wallMs() - (lease.current()?.since ?? 0)))
      const before = readers.get(client)
      const reader = createReader(socket, mirror, request)
      readers.set(client, reader)
      before?.drop()
      socket.once('close', () => {
        if (readers.get(client) !== reader) return
        readers.delete(client)
        lease.away(client)
      })
      reader.tell({ t: 'hello', ...standing(client), title: mirror.title() })
      reader.refresh()
      return (n, say) => {
        if (isNew(`${client}/${link}`, n)) obey(reader, say)
        reader.tell({ t: 'ack', n })
      }
    },
    output(seq, bytes) {
      for (let at = 0; at < bytes.length; at += TERMINAL_PIECE_BYTES_MAX)
        all(frameBytes(encodeTerminalFrame({ t: 'output', seq: seq + at, bytes: bytes.subarray(at, at + TERMINAL_PIECE_BYTES_MAX) })))
    },
    resized(size) {
      all(frameBytes(encodeTerminalFrame({ t: 'resize', seq: mirror.seq(), size })))
    },
    refreshAll() {
      for (const reader of readers.values()) reader.refresh()
    },
    end: async (event) => void (await Promise.all([...readers.values()].map((reader) => reader.end(event)))),
  }
}

function hasWriter(who: string, agoMs: number): TerminalEvent {
  const minutes = Math.round(agoMs / 60_000)
  return {
    t: 'refused',
    code: 'terminal-has-writer',
    message: `${who} is writing in this terminal, since ${minutes < 1 ? 'a moment' : `${minutes} min`}; one at a time may.`,
    cure: 'Attach with --read-only to watch, or with --take to take over: the other is told.',
  }
}

function notWriter(who: string | undefined): TerminalEvent {
  return {
    t: 'refused',
    code: 'terminal-not-writer',
    message: who === undefined ? 'This client only reads.' : `${who} is writing in this terminal; this client only reads.`,
    cure: 'Take over to write.',
  }
}

function notRead(): TerminalEvent {
  return {
    t: 'refused',
    code: 'terminal-input-full',
    message: 'The program has not read what was typed before, so this was not typed.',
    cure: 'Wait until it reads, or interrupt it.',
  }
}

function full(): TerminalEvent {
  return {
    t: 'refused',
    code: 'terminal-full',
    message: `${READERS_MAX} clients are attached to this terminal already.`,
    cure: 'Let one of them leave.',
  }
}
