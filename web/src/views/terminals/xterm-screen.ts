// The screen of an attached terminal, drawn by xterm: bytes in, keys out, and as many columns and rows as fit where this page writes.
import '@xterm/xterm/css/xterm.css'
import { Terminal } from '@xterm/xterm'
import { TERMINAL_COLS_MAX, TERMINAL_HISTORY_MAX, TERMINAL_ROWS_MAX } from '../../../../protocols/limits.ts'
import type { TerminalSize } from '../../../../protocols/terminals/frames.ts'
import type { TerminalScreen } from '../../models/terminals/attached-terminal.ts'

/** The same in both themes: programs choose colours for a dark ground. */
const THEME = {
  background: '#11151c',
  foreground: '#e3e7ee',
  cursor: '#8fc1f5',
  selectionBackground: '#35506f',
  // The usual one is too dark to be read on it.
  brightRed: '#ff7b76',
}
const SIZE = { cols: 80, rows: 24 }
const COLS_MIN = 20
const ROWS_MIN = 5
const SCROLL_BAR_PX = 14

export type XtermScreen = TerminalScreen & {
  focus(): void
  /** The program asked for the other form of cursor keys. */
  hasApplicationCursor(): boolean
  /** As much as fits into the frame now; undefined while nothing is laid out. */
  fitting(): TerminalSize | undefined
  onFit(listener: () => void): void
  dispose(): void
}

export function createXtermScreen(
  frame: HTMLElement,
  on: { typed(text: string): void; titled(text: string): void; left(): void },
): XtermScreen {
  const terminal = new Terminal({
    ...SIZE,
    scrollback: TERMINAL_HISTORY_MAX,
    theme: THEME,
    fontFamily: getComputedStyle(frame).fontFamily,
    fontSize: 13,
    cursorBlink: false,
    // Its own questions are answered by the worker's mirror; answers of this one are taken out there.
    allowProposedApi: true,
    screenReaderMode: false,
  })
  guardErase(terminal)
  terminal.open(frame)
  terminal.textarea?.setAttribute('aria-label', 'Terminal; Ctrl and ] leaves it')
  terminal.onData(on.typed)
  terminal.onTitleChange(on.titled)
  terminal.attachCustomKeyEventHandler((event) => {
    const leaves = event.type === 'keydown' && event.ctrlKey && event.key === ']'
    if (leaves) on.left()
    return !leaves
  })
  /** When all that came before is drawn, and before anything that comes after is. */
  const inTurn = (act: () => void): void => terminal.write('', act)
  let fitted = (): void => {}
  const observer = new ResizeObserver(() => fitted())
  observer.observe(frame)
  const cell = (): { width: number; height: number } | undefined => {
    const box = frame.querySelector('.xterm-screen')?.getBoundingClientRect()
    return box === undefined || box.width === 0 ? undefined : { width: box.width / terminal.cols, height: box.height / terminal.rows }
  }
  return {
    draw(bytes, size) {
      if (size !== undefined)
        inTurn(() => {
          terminal.reset()
          terminal.resize(size.cols, size.rows)
        })
      terminal.write(bytes)
    },
    resize: ({ cols, rows }) => inTurn(() => terminal.resize(cols, rows)),
    focus: () => terminal.focus(),
    hasApplicationCursor: () => terminal.modes.applicationCursorKeysMode,
    fitting() {
      const one = cell()
      if (one === undefined) return undefined
      const style = getComputedStyle(frame)
      const width = frame.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight) - SCROLL_BAR_PX
      const height = frame.clientHeight - Number.parseFloat(style.paddingTop) - Number.parseFloat(style.paddingBottom)
      return {
        cols: Math.min(TERMINAL_COLS_MAX, Math.max(COLS_MIN, Math.floor(width / one.width))),
        rows: Math.min(TERMINAL_ROWS_MAX, Math.max(ROWS_MIN, Math.floor(height / one.height))),
      }
    },
    onFit(listener) {
      fitted = listener
    },
    dispose() {
      observer.disconnect()
      terminal.dispose()
    },
  }
}

/** xterm 6.0 throws where "erase above" comes in the last cell of a screen without history: there it is the same as "erase all". */
function guardErase(terminal: Terminal): void {
  const { _inputHandler: handler } = (terminal as unknown as { _core: Inner })._core
  terminal.parser.registerCsiHandler({ final: 'J' }, ([what]) => {
    const { cursorX, cursorY } = terminal.buffer.active
    if (what !== 1 || cursorY !== terminal.rows - 1 || cursorX < terminal.cols - 1) return false
    return handler.eraseInDisplay({ length: 1, params: [2] })
  })
}

/** What its public interface leaves out. */
type Inner = { _inputHandler: { eraseInDisplay(params: { length: number; params: number[] }): boolean } }
