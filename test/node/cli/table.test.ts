import { expect, it } from 'vitest'
import { paint, renderTable } from '../../../node/cli/table.ts'

const io = (columns: number | undefined, env: Record<string, string> = {}) => ({
  stdout: { isTTY: columns !== undefined, columns } as NodeJS.WriteStream,
  env,
})
const COLUMNS = [{ title: 'NAME' }, { title: 'COUNT', right: true }, { title: 'WHAT', gives: true }]

it('columns are aligned, also with wide characters', () => {
  expect(
    renderTable(io(undefined), COLUMNS, [
      ['世界', '1', 'a'],
      ['box', '10', 'b'],
    ]),
  ).toBe('NAME  COUNT  WHAT\n世界      1  a\nbox      10  b')
})

it('on a terminal one column gives way, down to twenty columns; in a pipe nothing is cut', () => {
  const row = ['box', '1', 'x'.repeat(200)]
  for (const width of [80, 20]) {
    const lines = renderTable(io(width, { NO_COLOR: '1' }), COLUMNS, [row]).split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.max(width, 23))
    expect(lines[1]).toMatch(/…$/)
  }
  expect(renderTable(io(undefined), COLUMNS, [row])).toContain('x'.repeat(200))
})

it('colours are for terminals whose owner did not say no', () => {
  expect(paint(io(80), 'x', 'bad')).toBe('\u001b[31mx\u001b[39m')
  expect(paint(io(80, { NO_COLOR: '1' }), 'x', 'bad')).toBe('x')
  expect(paint(io(80, { TERM: 'dumb' }), 'x', 'bad')).toBe('x')
  expect(paint(io(undefined), 'x', 'bad')).toBe('x')
})
