// A reference emulator, and everything that it shows as text to be compared: each cell of screen and history, cursor, modes.
import type { IBuffer } from '@xterm/headless'
import headless from '@xterm/headless'
import { TERMINAL_HISTORY_MAX } from '../../../protocols/limits.ts'
import type { Attributes } from '../../../node/runner/terminal/xterm-inside.ts'
import { guardErase } from '../../../node/runner/terminal/mirror.ts'
import { penOf } from '../../../node/runner/terminal/xterm-inside.ts'

export function referenceTerminal(size: { cols: number; rows: number }): headless.Terminal {
  const terminal = new headless.Terminal({ ...size, scrollback: TERMINAL_HISTORY_MAX, allowProposedApi: true, logLevel: 'off' })
  guardErase(terminal)
  return terminal
}

export function drawn(terminal: headless.Terminal, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve) => terminal.write(bytes, resolve))
}

/** One line for each row of each screen, then cursor and modes: two terminals are the same where these are. */
export function cellsOf(terminal: headless.Terminal): string[] {
  const { normal, alternate, active } = terminal.buffer
  const rows = (buffer: IBuffer, name: string): string[] =>
    Array.from({ length: buffer.length }, (_, y) => `${name} ${y}: ${rowOf(buffer, y, terminal.cols)}`)
  return [
    ...rows(normal, 'normal'),
    ...(active.type === 'alternate' ? rows(alternate, 'alternate') : []),
    `size ${terminal.cols}x${terminal.rows} ${active.type} cursor ${active.cursorX},${active.cursorY} base ${active.baseY}`,
    JSON.stringify(terminal.modes),
  ]
}

function rowOf(buffer: IBuffer, y: number, cols: number): string {
  const line = buffer.getLine(y)
  let text = line?.isWrapped === true ? '~' : ''
  let pen = ''
  for (let x = 0; x < cols; x++) {
    const cell = line?.getCell(x)
    if (cell === undefined || cell.getWidth() === 0) continue
    // An empty cell shows its ground and nothing else.
    const now = cell.getChars() === '' ? groundOf(cell as unknown as Attributes) : penOf(cell as unknown as Attributes)
    if (now !== pen) text += `{${now}}`
    pen = now
    text += cell.getChars() === '' ? '·' : cell.getChars()
  }
  return text.replace(/·+$/, '')
}

function groundOf(cell: Attributes): string {
  return cell.isBgDefault() ? '' : `ground ${cell.isBgRGB() ? 'rgb' : ''}${cell.getBgColor()}`
}
