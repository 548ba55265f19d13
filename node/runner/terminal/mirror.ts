// The terminal as it stands: an emulator without a screen that is fed with all output, answers the questions that programs ask a terminal
// (so that nobody who is attached has to), and can be copied at an exact position of the output.
import headless from '@xterm/headless'
import { TERMINAL_HISTORY_MAX } from '../../../protocols/limits.ts'
import type { TerminalSize } from '../../../protocols/terminals/frames.ts'
import { screenText } from './screen-text.ts'
import { createVtScanner } from './vt-scan.ts'
import { innerOf } from './xterm-inside.ts'

/** A sequence that is longer is drawn as far as it has come; a copy that is made meanwhile may show its rest as text. */
const HELD_BYTES_MAX = 1024 * 1024
const TITLE_CHARACTERS_MAX = 500
/** Colours that a program set, by what they are the colour of: 256 of the palette, text, ground and cursor. */
const PALETTE_MAX = 300

/** Everything up to `seq` as text, then `rest`: bytes of a character or sequence that is not complete. */
export type ScreenCopy = { seq: number; size: TerminalSize; text: string; rest: Uint8Array }

export type Mirror = {
  feed(bytes: Uint8Array): void
  resize(size: TerminalSize): void
  /** @param history lines above the screen that are wanted */
  copy(history: number): ScreenCopy
  size(): TerminalSize
  title(): string
  /** Bytes that were fed. */
  seq(): number
  /** The text of the screen, for people. */
  text(): string
}

type MirrorOptions = {
  size: TerminalSize
  /** Answers to the program. */
  onReply(text: string): void
  /** The emulator broke on what it was fed, and begins anew with an empty screen: whoever is attached needs a new copy. */
  onBroken(error: unknown): void
}

export function createMirror({ size, onReply, onBroken }: MirrorOptions): Mirror {
  const scanner = createVtScanner()
  /** Bytes after the last safe position, and how many of them are drawn all the same. */
  let held: Uint8Array = new Uint8Array()
  let drawn = 0
  let seq = 0
  let title = ''
  const begin = (): { terminal: headless.Terminal; palette: () => string } => {
    const terminal = new headless.Terminal({ ...size, scrollback: TERMINAL_HISTORY_MAX, allowProposedApi: true, logLevel: 'off' })
    guardErase(terminal)
    terminal.onData(onReply)
    terminal.onTitleChange((text) => {
      title = text.slice(0, TITLE_CHARACTERS_MAX)
    })
    return { terminal, palette: followPalette(terminal) }
  }
  let { terminal, palette } = begin()

  const draw = (bytes: Uint8Array): void => {
    if (bytes.length === 0) return
    try {
      innerOf(terminal).writeSync(bytes)
    } catch (error) {
      ;({ terminal, palette } = begin())
      onBroken(error)
    }
  }
  const drawHeld = (): void => {
    draw(held.subarray(drawn))
    drawn = held.length
  }
  const forgetHeld = (): void => {
    held = new Uint8Array()
    drawn = 0
  }
  return {
    feed(bytes) {
      scanner.feed(bytes)
      held = Buffer.concat([held, bytes])
      seq += bytes.length
      const complete = held.length - (seq - scanner.safe())
      if (complete > 0) {
        if (complete > drawn) draw(held.subarray(drawn, complete))
        held = held.subarray(complete)
        drawn = Math.max(0, drawn - complete)
      }
      if (held.length > HELD_BYTES_MAX) {
        drawHeld()
        forgetHeld()
      }
    },
    resize(wanted) {
      // What came before is drawn before. Of a sequence that is not complete a copy still needs the bytes: they draw nothing by themselves.
      drawHeld()
      if (scanner.isGround()) forgetHeld()
      terminal.resize(wanted.cols, wanted.rows)
      size = wanted
    },
    copy: (history) => ({
      seq: seq - held.length,
      size,
      rest: held.slice(),
      text: screenText(terminal, history) + palette() + titleText(title),
    }),
    size: () => size,
    title: () => title,
    seq: () => seq,
    text() {
      drawHeld()
      const { active } = terminal.buffer
      const lines = Array.from({ length: terminal.rows }, (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? '')
      return lines.join('\n').trimEnd()
    },
  }
}

/** xterm 6.0 throws where "erase above" comes in the last cell of a screen without history: there it is the same as "erase all". */
export function guardErase(terminal: headless.Terminal): void {
  terminal.parser.registerCsiHandler({ final: 'J' }, ([what]) => {
    const { cursorX, cursorY } = terminal.buffer.active
    if (what !== 1 || cursorY !== terminal.rows - 1 || cursorX < terminal.cols - 1) return false
    return innerOf(terminal)._inputHandler.eraseInDisplay({ length: 1, params: [2] })
  })
}

function titleText(title: string): string {
  return title === '' ? '' : `\x1b]2;${title}\x07`
}

/** Colours are the business of whoever draws: the emulator only passes them on, so they are remembered here. */
function followPalette(terminal: headless.Terminal): () => string {
  const set = new Map<string, string>()
  const note = (key: string, value: string): void => {
    if (!/^[\w#:/.]{1,64}$/.test(value) || (set.size >= PALETTE_MAX && !set.has(key))) return
    set.set(key, value)
  }
  const on = (code: number, take: (data: string) => void): void => {
    terminal.parser.registerOscHandler(code, (data) => {
      take(data)
      return false
    })
  }
  on(4, (data) => {
    const words = data.split(';')
    for (let at = 0; at + 1 < words.length; at += 2) if (/^\d{1,3}$/.test(words[at] ?? '')) note(`4;${words[at]}`, words[at + 1] ?? '')
  })
  on(104, (data) => {
    const all = data === '' ? [...set.keys()].filter((key) => key.startsWith('4;')) : data.split(';').map((index) => `4;${index}`)
    for (const key of all) set.delete(key)
  })
  for (const code of [10, 11, 12]) {
    on(code, (data) => note(String(code), data.split(';')[0] ?? ''))
    on(code + 100, () => void set.delete(String(code)))
  }
  return () => [...set].map(([key, value]) => `\x1b]${key};${value}\x07`).join('')
}
