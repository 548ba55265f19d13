// Tables for people: aligned on a terminal and cut to its width, plain and whole everywhere else. Every cell is made
// inert first.
import { styleText } from 'node:util'
import { safe } from '../kernel/safe-text.ts'
import type { Io } from './context.ts'

export type Tone = 'good' | 'busy' | 'bad' | 'dim' | 'plain'
export type Cell = string | { text: string; tone: Tone }
/** At most one column gives way when the terminal is narrow. */
export type Column = { title: string; right?: boolean; gives?: boolean }

const COLORS = { good: 'green', busy: 'cyan', bad: 'red', dim: 'gray', plain: 'reset' } as const
const GAP = '  '
const GIVING_WIDTH_MIN = 8

export function renderTable(io: Pick<Io, 'stdout' | 'env'>, columns: readonly Column[], rows: readonly (readonly Cell[])[]): string {
  const texts = [
    columns.map((column) => column.title),
    ...rows.map((row) => row.map((cell) => safe(typeof cell === 'string' ? cell : cell.text))),
  ]
  const widths = columns.map((_, at) => Math.max(...texts.map((row) => widthOf(row[at] ?? ''))))
  const giving = columns.findIndex((column) => column.gives === true)
  if (io.stdout.isTTY && giving >= 0) {
    const over = widths.reduce((sum, width) => sum + width + GAP.length, -GAP.length) - (io.stdout.columns || 80)
    if (over > 0) widths[giving] = Math.max(GIVING_WIDTH_MIN, (widths[giving] ?? 0) - over)
  }
  const lines = texts.map((row, line) =>
    row
      .map((text, at) =>
        paint(io, fit(text, widths[at] ?? 0, columns[at]?.right === true), line === 0 ? 'dim' : toneOf(rows[line - 1]?.[at])),
      )
      .join(GAP)
      .trimEnd(),
  )
  return lines.join('\n')
}

/** Colour where the terminal shows it and the person did not say no. */
export function paint(io: Pick<Io, 'stdout' | 'env'>, text: string, tone: Tone): string {
  if (tone === 'plain' || !io.stdout.isTTY || (io.env['NO_COLOR'] ?? '') !== '' || io.env['TERM'] === 'dumb') return text
  return styleText(COLORS[tone], text, { validateStream: false })
}

/** Pairs below each other: `name   value`. */
export function renderFacts(io: Pick<Io, 'stdout' | 'env'>, facts: readonly (readonly [string, Cell | undefined])[]): string {
  const shown = facts.filter((fact): fact is readonly [string, Cell] => fact[1] !== undefined && fact[1] !== '')
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown
    .map(
      ([name, cell]) =>
        `${paint(io, name.padEnd(width), 'dim')}${GAP}${paint(io, safe(typeof cell === 'string' ? cell : cell.text), toneOf(cell))}`,
    )
    .join('\n')
}

function toneOf(cell: Cell | undefined): Tone {
  return typeof cell === 'object' ? cell.tone : 'plain'
}

function fit(text: string, width: number, right: boolean): string {
  let cut = text
  if (widthOf(text) > width) {
    const characters = Array.from(text.slice(0, width * 2))
    while (widthOf(characters.join('')) > width - 1) characters.pop()
    cut = `${characters.join('')}…`
  }
  const padding = ' '.repeat(Math.max(0, width - widthOf(cut)))
  return right ? padding + cut : cut + padding
}

// East Asian wide characters and emoji take two columns, combining marks none.
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u
const ASCII = /^[\x20-\x7e]*$/

function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const character of text) width += /\p{Mn}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1
  return width
}
