// The rules about sizes, names and text, each on a planted violation and on its innocent neighbour.
import { expect, test } from 'vitest'
import { committedText } from './rules/committed-text.ts'
import { dependencyTable } from './rules/dependency-table.ts'
import { fileNames } from './rules/file-names.ts'
import { functionLength } from './rules/function-length.ts'
import { fileSizes, folderSizes, percentile } from './rules/sizes.ts'
import { parseSource } from './source-tree.ts'

const lines = (count: number): string => 'f()\n'.repeat(count)
const sized = (...counts: number[]) => counts.map((count, index) => parseSource(`node/tasks/file-${index}.ts`, lines(count)))

test('a file over 250 lines is found unless it is listed with its reason', () => {
  const files = sized(...Array.from({ length: 19 }, () => 10), 251)
  expect(fileSizes(files, {})).toEqual([
    'node/tasks/file-19.ts has 251 lines, over 250; split it by subject, or list it in sizes.ts with its reason',
  ])
  expect(fileSizes(files, { 'node/tasks/file-19.ts': 'one table' })).toEqual([])
})

test('an exception that is no longer needed is found', () => {
  expect(fileSizes(sized(250), { 'node/tasks/file-0.ts': 'one table' }).at(-1)).toContain('sizes.ts lists node/tasks/file-0.ts')
})

test('the median and the longest tenth are measured over what users run', () => {
  expect(fileSizes(sized(91, 91, 10), {})).toEqual(['the median file has 91 lines, over 90; split files by subject'])
  expect(fileSizes(sized(10, 10, 181), {})).toEqual(['one file in ten has 181 lines or more, over 180; split files by subject'])
  expect(fileSizes([parseSource('test/a.test.ts', lines(200))], {})).toEqual([])
})

test('percentiles are values that occur', () => {
  expect([percentile([3, 1, 2], 0.5), percentile([1, 2, 3, 4], 0.5), percentile([5], 0.9), percentile([], 0.5)]).toEqual([2, 2, 5, 0])
})

test('the thirteenth file of a folder is found', () => {
  expect(folderSizes(sized(...Array(12).fill(1)), {})).toEqual([])
  expect(folderSizes(sized(...Array(13).fill(1)), {})).toEqual(['node/tasks/ holds 13 files, over 12: two subjects; split it by noun'])
})

test('a function over 60 lines is found by its name; the lines of inner functions are not its own', () => {
  const long = parseSource('node/a.ts', `export const grow = () => {\n${lines(59)}}\n`)
  expect(functionLength([long], {})).toEqual(['node/a.ts:1 grow has 61 lines of its own, over 60; split it by step'])
  expect(functionLength([long], { 'node/a.ts grow': 'one table' })).toEqual([])
  const factory = parseSource('node/a.ts', `export function createA() {\n  const step = () => {\n${lines(58)}  }\n  return { step }\n}\n`)
  expect(functionLength([factory], {})).toEqual([])
})

test.each(['node/utils/a.ts', 'node/tasks/helpers.ts', 'node/common/a.ts', 'node/misc.ts', 'node/tasks/types.ts'])(
  '%s is a drawer',
  (path) => {
    expect(fileNames([{ path, text: '' }])[0]).toMatch(/is a drawer; name the file or folder after its subject$/)
  },
)

test('file names are in kebab-case', () => {
  const path = (name: string) => ({ path: `node/tasks/${name}`, text: '' })
  expect(fileNames(['nextState.ts', 'Task.tsx', 'next_state.ts'].map(path))).toHaveLength(3)
  expect(fileNames(['next-state.ts', 'next-state.test.ts', 'http2.ts', 'task-view.tsx'].map(path))).toEqual([])
})

test.each([
  [`// ${'TO'}${'DO'}: later`, 'finish it, or open an issue'],
  [`test${'.only'}('x', f)`, 'it hides every other test; remove it'],
  [`describe${'.sequential.only'}('x', f)`, 'it hides every other test; remove it'],
  [`see ${['', 'work', 'shared', 'a.md'].join('/')}`, 'a path of one machine; make it relative or ask the system'],
  [`${'<'.repeat(7)} HEAD`, 'a conflict that was not resolved'],
])('text that must not be committed is found: %s', (text, cure) => {
  const findings = committedText([{ path: 'docs/a.md', text: `fine\n${text}\n` }])
  expect(findings).toHaveLength(1)
  expect(findings[0]).toMatch(/^docs\/a\.md:2 says "/)
  expect(findings[0]).toContain(cure)
})

test('a dependency without a row in the table is found, and a row may name several', () => {
  const readme =
    '`zod` in a sentence is no row\n| Package | Job |\n|---|---|\n| `libp2p`, `@libp2p/tcp` 11 | the mesh |\n| `hono@4.13` | HTTP |'
  const manifest = { dependencies: { libp2p: '3', '@libp2p/tcp': '11', zod: '4' }, devDependencies: { hono: '4' } }
  expect(dependencyTable(manifest, readme)).toEqual([
    "package.json depends on zod, which has no row in the README's dependency table; add one with its job and reason",
  ])
})
