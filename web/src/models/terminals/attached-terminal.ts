// One page attached to one terminal: what comes goes to its screen, what is typed goes to the terminal while this page is the one that
// writes. It attaches anew when the way breaks, and asks for no output while nobody looks.
import { type ReadonlySignal, batch, signal } from '@preact/signals'
import { TERMINAL_INPUT_MAX } from '../../../../protocols/limits.ts'
import type { RawFrame } from '../../../../protocols/terminals/frame-bytes.ts'
import type { AttachMode, TerminalEvent, TerminalSize } from '../../../../protocols/terminals/frames.ts'
import { asApiError } from '../../transport/api-error.ts'
import type { TerminalCalls, TerminalWire } from '../../transport/terminal-calls.ts'
import { inertText } from '../text/inert-text.ts'

const RETRY_MS = 500
const RETRY_MS_MAX = 8_000

/** What draws it. `draw` begins an empty screen of that size first where one is given. */
export type TerminalScreen = {
  draw(bytes: Uint8Array, size?: TerminalSize): void
  resize(size: TerminalSize): void
}

export type TerminalStanding =
  | { kind: 'connecting' }
  | { kind: 'attached' }
  /** Its worker cannot be reached; the node goes on asking. */
  | { kind: 'away'; reason: string }
  /** The node that serves this page cannot be reached; the page goes on asking. */
  | { kind: 'lost'; reason: string }
  | { kind: 'ended'; how: string }
  | { kind: 'refused'; message: string; cure?: string }

export type AttachedTerminal = {
  standing: ReadonlySignal<TerminalStanding>
  /** Whether this page writes. */
  writes: ReadonlySignal<boolean>
  /** Who else does. */
  writer: ReadonlySignal<string | undefined>
  /** What a refused wish to write was answered with, or who took the terminal over. */
  note: ReadonlySignal<string | undefined>
  /** @returns whether it was taken: only who writes may type */
  type(text: string): boolean
  resize(size: TerminalSize): void
  takeOver(): void
  /** Whether anybody looks at this page. */
  look(visible: boolean): void
  stop(): void
}

/** @param client what this page is known by at the terminal; nobody else may know it */
export function attachTerminal(
  calls: Pick<TerminalCalls, 'attach'>,
  id: string,
  { client, screen }: { client: string; screen: TerminalScreen },
): AttachedTerminal {
  const standing = signal<TerminalStanding>({ kind: 'connecting' })
  const writes = signal(false)
  const writer = signal<string | undefined>(undefined)
  const note = signal<string | undefined>(undefined)
  let wire: TerminalWire | undefined
  let mode: AttachMode = 'write'
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopped = false
  let drawing = false
  let greeted = false
  let visible = true
  let failures = 0
  let wanted: TerminalSize | undefined
  let round = 0

  const isOver = (): boolean => stopped || standing.peek().kind === 'ended' || standing.peek().kind === 'refused'

  async function connect(): Promise<void> {
    const mine = ++round
    greeted = false
    try {
      const opened = await calls.attach(
        id,
        { client, mode },
        {
          frame: (frame) => mine === round && receive(frame),
          closed: (reason) => mine === round && lost(reason),
        },
      )
      if (mine !== round) return opened.close()
      wire = opened
    } catch (thrown) {
      const error = asApiError(thrown)
      if (mine !== round) return
      if (error.status >= 400 && error.status < 500)
        standing.value = { kind: 'refused', message: error.message, ...(error.cure === undefined ? {} : { cure: error.cure }) }
      else lost(error.message)
    }
  }

  function lost(reason: string): void {
    wire = undefined
    if (isOver()) return
    standing.value = { kind: 'lost', reason }
    timer = setTimeout(() => void connect(), Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** failures++))
  }

  function receive(frame: RawFrame): void {
    if (frame.t === 'output') screen.draw(frame.bytes)
    else if (frame.t === 'resize') screen.resize(frame.size)
    else if (frame.t === 'screen') {
      screen.draw(frame.bytes, drawing ? undefined : frame.size)
      drawing = frame.more
      if (!drawing && standing.peek().kind === 'away') standing.value = { kind: 'attached' }
    } else if (isEvent(frame.event)) batch(() => hear(frame.event as TerminalEvent))
  }

  function hear(event: TerminalEvent): void {
    if (event.t === 'hello') {
      greeted = true
      failures = 0
      drawing = false
      standing.value = { kind: 'attached' }
      if (!visible) wire?.say({ t: 'pause' })
    }
    if (event.t === 'hello' || event.t === 'writer') {
      writes.value = event.you
      // Where the way breaks it is asked for again; what another took is not taken back.
      mode = event.you ? 'write' : 'read'
      writer.value = event.you || event.writer === undefined ? undefined : inertText(event.writer.who)
      if (event.you) note.value = undefined
      if (event.t === 'writer' && event.taken === true) note.value = `${writer.peek() ?? 'Somebody else'} took over and writes here now.`
      if (event.you && wanted !== undefined) wire?.say({ t: 'resize', ...wanted })
    } else if (event.t === 'exit') standing.value = { kind: 'ended', how: endText(event) }
    else if (event.t === 'away') standing.value = { kind: 'away', reason: inertText(event.reason) }
    else if (event.t === 'refused') refused(event)
  }

  function refused(event: Extract<TerminalEvent, { t: 'refused' }>): void {
    const { code, message, cure } = event
    if (!greeted && code === 'terminal-has-writer') {
      // Politely: one reads instead, and may take over.
      note.value = inertText(message)
      mode = 'read'
      wire?.close()
      wire = undefined
      void connect()
    } else if (greeted) note.value = inertText(message)
    else standing.value = { kind: 'refused', message: inertText(message), ...(cure === undefined ? {} : { cure: inertText(cure) }) }
  }

  void connect()
  return {
    standing,
    writes,
    writer,
    note,
    type(text) {
      if (!writes.peek() || wire === undefined) return false
      for (const data of piecesOf(text)) wire.say({ t: 'input', data })
      return true
    },
    resize(size) {
      if (wanted?.cols === size.cols && wanted.rows === size.rows) return
      wanted = size
      if (writes.peek()) wire?.say({ t: 'resize', ...size })
    },
    takeOver() {
      note.value = undefined
      wire?.say({ t: 'take' })
    },
    look(now) {
      if (now === visible) return
      visible = now
      wire?.say({ t: now ? 'resume' : 'pause' })
    },
    stop() {
      stopped = true
      round++
      clearTimeout(timer)
      wire?.close()
    },
  }
}

/** An event of the own node: it has been checked there; what this page reads of it must be there. */
function isEvent(value: unknown): value is TerminalEvent {
  return typeof value === 'object' && value !== null && typeof (value as { t?: unknown }).t === 'string'
}

function endText({ exitCode, signal: name, reason }: Extract<TerminalEvent, { t: 'exit' }>): string {
  return exitCode !== undefined ? `exit code ${exitCode}` : name !== undefined ? inertText(name) : inertText(reason ?? 'it is gone')
}

function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    let end = Math.min(text.length, at + TERMINAL_INPUT_MAX)
    if (end < text.length && /[\ud800-\udbff]/.test(text[end - 1] ?? '')) end-- // no half of a pair
    yield text.slice(at, end)
    at = end
  }
}
