// Writes what an emulator shows as the shortest text that brings an empty one of the same size to the same state: cells, colours, wrapped
// lines, history, both screens, cursor, margins, tab stops, modes. It reads a few fields of xterm that have no public name; its version is
// pinned, and a test compares random streams cell by cell.
import type { IBuffer, IBufferLine, Terminal } from '@xterm/headless'
import type { Attributes, Inner, InnerBuffer } from './xterm-inside.ts'
import { innerOf, penOf, underlineColorOf } from './xterm-inside.ts'

const RESET = '\x1b[0m'
const TAB_WIDTH = 8

/** @param history lines above the screen that are wanted */
export function screenText(terminal: Terminal, history: number): string {
  const inner = innerOf(terminal)
  const { normal, alternate, active } = terminal.buffer
  const out = [bufferText(terminal, normal, history), marginsAndTabs(terminal, inner.buffers.normal), savedCursor(inner.buffers.normal)]
  if (active.type === 'alternate')
    out.push(
      // Where the cursor stood there counts when the size changes.
      `\x1b[${normal.cursorY + 1};${normal.cursorX + 1}H${RESET}\x1b[?47h\x1b[H`,
      bufferText(terminal, alternate, 0),
      marginsAndTabs(terminal, inner.buffers.alt),
      savedCursor(inner.buffers.alt),
    )
  out.push(cursor(terminal, inner), modes(inner))
  return out.join('')
}

function bufferText({ cols, rows }: Terminal, buffer: IBuffer, history: number): string {
  const out: string[] = []
  let pen = ''
  const draw = (wanted: string): void => {
    if (wanted !== pen) out.push(`\x1b[0${wanted}m`)
    pen = wanted
  }
  let firstIsDirty = false
  for (let y = Math.max(0, buffer.length - rows - history); y < buffer.length; y++) {
    const line = buffer.getLine(y) as IBufferLine
    const next = y + 1 < buffer.length ? buffer.getLine(y + 1) : undefined // a full ring would answer with its first line
    const empty = lineText(line, cols, firstIsDirty, draw, out)
    firstIsDirty = false
    if (next === undefined) break
    if (!next.isWrapped) {
      draw('')
      out.push('\r\n')
    } else if (!isNaturalWrap(empty, next)) {
      forceWrap({ line, cols, empty }, draw, out)
      firstIsDirty = true
    }
  }
  return out.join('')
}

/** The next character wraps by itself, and what it scrolls in is empty. */
function isNaturalWrap(empty: number, next: IBufferLine): boolean {
  const first = next.getCell(0)
  return empty === 0 && first !== undefined && first.getChars() !== '' && first.isBgDefault()
}

/** Fills the row to its end, wraps with a blank, and takes the filling back. The cursor ends at the beginning of the next row. */
function forceWrap(
  { line, cols, empty }: { line: IBufferLine; cols: number; empty: number },
  draw: (pen: string) => void,
  out: string[],
): void {
  draw('')
  out.push(`${' '.repeat(empty)} \b`)
  if (empty === 0) return
  const from = cols - empty
  out.push(`\x1b[A${from > 0 ? `\x1b[${from}C` : ''}`)
  for (let x = from; x < cols; ) {
    const many = sameBackground(line, x, cols)
    draw(backgroundAt(line, x))
    out.push(`\x1b[${many}X`)
    x += many
    if (x < cols) out.push(`\x1b[${many}C`)
  }
  out.push('\r\x1b[B')
}

/** @returns how many cells at its end are empty */
function lineText(line: IBufferLine, cols: number, firstIsDirty: boolean, draw: (pen: string) => void, out: string[]): number {
  let skipped = 0
  let x = 0
  while (x < cols) {
    const cell = line.getCell(x)
    if (cell === undefined) break
    if (cell.getChars() === '' && cell.getWidth() !== 0) {
      const many = sameBackground(line, x, cols)
      const background = backgroundAt(line, x)
      if (background !== '' || (x === 0 && firstIsDirty)) {
        if (skipped > 0) out.push(`\x1b[${skipped}C`)
        skipped = 0
        draw(background)
        out.push(`\x1b[${many}X`)
      }
      skipped += many
      x += many
      continue
    }
    if (cell.getWidth() !== 0) {
      if (skipped > 0) out.push(`\x1b[${skipped}C`)
      skipped = 0
      draw(penOf(cell as unknown as Attributes))
      out.push(cell.getChars())
    }
    x++
  }
  return emptyAtEnd(line, cols)
}

function emptyAtEnd(line: IBufferLine, cols: number): number {
  let empty = 0
  for (let x = cols - 1; x >= 0; x--, empty++) {
    const cell = line.getCell(x)
    if (cell === undefined || cell.getChars() !== '' || cell.getWidth() === 0) break
  }
  return empty
}

function isEmpty(line: IBufferLine, x: number): boolean {
  const cell = line.getCell(x)
  return cell !== undefined && cell.getChars() === '' && cell.getWidth() !== 0
}

/** An empty cell has no colour but that of its ground. */
function backgroundAt(line: IBufferLine, x: number): string {
  const cell = line.getCell(x) as unknown as Attributes
  return penOf({ ...nothing, isBgDefault: () => cell.isBgDefault(), isBgRGB: () => cell.isBgRGB(), getBgColor: () => cell.getBgColor() })
}

const no = (): number => 0
const nothing: Attributes = {
  isBold: no,
  isDim: no,
  isItalic: no,
  isUnderline: no,
  getUnderlineStyle: no,
  isUnderlineColorDefault: () => true,
  isUnderlineColorRGB: () => false,
  getUnderlineColor: no,
  isBlink: no,
  isInverse: no,
  isInvisible: no,
  isStrikethrough: no,
  isOverline: no,
  isFgDefault: () => true,
  isFgRGB: () => false,
  getFgColor: no,
  isBgDefault: () => true,
  isBgRGB: () => false,
  getBgColor: no,
}

function sameBackground(line: IBufferLine, from: number, cols: number): number {
  const background = backgroundAt(line, from)
  let x = from + 1
  while (x < cols && isEmpty(line, x) && backgroundAt(line, x) === background) x++
  return x - from
}

function marginsAndTabs({ cols, rows }: Terminal, { scrollTop, scrollBottom, tabs }: InnerBuffer): string {
  const columns = Object.keys(tabs)
    .map(Number)
    .filter((column) => column < cols && tabs[column] === true)
  const usual = columns.length === Math.ceil(cols / TAB_WIDTH) && columns.every((column) => column % TAB_WIDTH === 0)
  const stops = usual ? '' : `\x1b[3g${columns.map((column) => `\x1b[${column + 1}G\x1bH`).join('')}`
  const margins = scrollTop === 0 && scrollBottom === rows - 1 ? '' : `\x1b[${scrollTop + 1};${scrollBottom + 1}r`
  return stops + margins
}

function savedCursor({ savedX, savedY, ybase, savedCurAttrData: pen, savedCharset }: InnerBuffer): string {
  const [open, close] = isGraphics(savedCharset) ? ['\x1b(0', '\x1b(B'] : ['', '']
  return `${RESET}\x1b[${Math.max(savedY - ybase, 0) + 1};${savedX + 1}H\x1b[0${penOf(pen)}m${open}\x1b7${close}${RESET}`
}

function cursor({ cols, buffer: { active } }: Terminal, inner: Inner): string {
  const { origin } = inner.coreService.decPrivateModes
  const top = origin ? inner.buffers.active.scrollTop : 0
  const row = active.cursorY - top + 1
  const mode = origin ? '\x1b[?6h' : ''
  if (active.cursorX < cols) return `${mode}\x1b[${row};${active.cursorX + 1}H`
  // It waits behind the last column: only writing there brings it so far.
  const line = active.getLine(active.baseY + active.cursorY) as IBufferLine
  const last = line.getCell(cols - 1)?.getWidth() === 0 ? cols - 2 : cols - 1
  const cell = line.getCell(last)
  if (cell === undefined || cell.getChars() === '') return `${mode}\x1b[${row};${cols}H`
  return `${mode}\x1b[${row};${last + 1}H\x1b[0${penOf(cell as unknown as Attributes)}m${cell.getChars()}`
}

/** Pen, character sets and modes come last: they change what writing means. */
function modes({ coreService, coreMouseService, optionsService, _charsetService, _inputHandler }: Inner): string {
  const { decPrivateModes: on, modes: ansi, isCursorHidden } = coreService
  const pen = _inputHandler._curAttrData
  const out = [`\x1b[0${penOf(pen)}${pen.isUnderline() ? '' : underlineColorOf(pen.extended.underlineColor)}m`]
  // The set in use may be none of the four, once a cursor was restored: what is written next counts.
  for (const [level, name] of ['(', ')', '*', '+'].entries())
    if (isGraphics(level === _charsetService.glevel ? _charsetService.charset : _charsetService._charsets[level])) out.push(`\x1b${name}0`)
  if (_charsetService.glevel > 0) out.push(['', '\x0e', '\x1bn', '\x1bo'][_charsetService.glevel] ?? '')
  const set = (isSet: boolean | undefined, text: string): void => void (isSet === true && out.push(text))
  set(ansi.insertMode, '\x1b[4h')
  set(optionsService.rawOptions.convertEol, '\x1b[20h')
  set(on.applicationCursorKeys, '\x1b[?1h')
  set(on.applicationKeypad, '\x1b=')
  set(on.bracketedPasteMode, '\x1b[?2004h')
  set(on.reverseWraparound, '\x1b[?45h')
  set(on.sendFocus, '\x1b[?1004h')
  set(!on.wraparound, '\x1b[?7l')
  set(isCursorHidden, '\x1b[?25l')
  out.push({ X10: '\x1b[?9h', VT200: '\x1b[?1000h', DRAG: '\x1b[?1002h', ANY: '\x1b[?1003h' }[coreMouseService.activeProtocol] ?? '')
  out.push({ SGR: '\x1b[?1006h', SGR_PIXELS: '\x1b[?1016h' }[coreMouseService.activeEncoding] ?? '')
  const shape = { block: 1, underline: 3, bar: 5 }[on.cursorStyle ?? '']
  if (shape !== undefined) out.push(`\x1b[${shape + (on.cursorBlink === false ? 1 : 0)} q`)
  return out.join('')
}

/** The line drawing set; the national ones differ in a few signs and are not restored. */
function isGraphics(charset: Record<string, string> | undefined): boolean {
  return charset?.['q'] === '\u2500'
}
