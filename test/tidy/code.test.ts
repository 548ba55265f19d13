// The rules about what code says, each on a planted violation and on its innocent neighbour.
import { expect, test } from 'vitest'
import { bannedCalls } from './rules/banned-calls.ts'
import { emptyCatches, headerComments } from './rules/comments.ts'
import { namedExports } from './rules/named-exports.ts'
import { parseSource } from './source-tree.ts'

test.each([
  ['Date.now()', 'Date.now'],
  ['export const clock = { now: Date.now }', 'Date.now'],
  ['new Date()', 'new Date()'],
  ['Math.random()', 'Math.random'],
  ['setTimeout(f, 1)', 'setTimeout'],
  ['globalThis.setInterval(f, 1)', 'setInterval'],
  ['setImmediate(f)', 'setImmediate'],
  ['performance.now()', 'performance.now'],
  ['AbortSignal.timeout(5)', 'AbortSignal.timeout'],
  ["import { setTimeout as pause } from 'node:timers/promises'", 'node:timers/promises'],
  ['console.log(1)', 'console'],
  ['globalThis.console.error(1)', 'console'],
])('banned calls find %s', (text, name) => {
  const findings = bannedCalls([parseSource('node/tasks/a.ts', text)])
  expect(findings).toHaveLength(1)
  expect(findings[0]).toMatch(`node/tasks/a.ts:1 uses ${name}; take a `)
})

test.each([
  ['node/kernel/clock.ts', 'Date.now(); setTimeout(f, 1)'],
  ['node/tasks/a.ts', 'clock.now(); clock.setTimeout(f, 1); new Date(0)'],
  ['node/tasks/a.ts', '"Date.now() is banned" // and so is Math.random()'],
  ['node/cli/a.ts', 'console.log(1)'],
  ['web/src/models/a.ts', 'setTimeout(f, Date.now())'],
  ['test/node/a.test.ts', 'Math.random()'],
])('banned calls let %s say %s', (path, text) => {
  expect(bannedCalls([parseSource(path, text)])).toEqual([])
})

test.each([
  'try { f() } catch {}',
  'try { f() } catch (error) { }',
  'f().catch(() => {})',
  'f().catch(() => undefined)',
  'f().catch(() => void 0)',
])('an error dropped without a reason is found: %s', (text) => {
  expect(emptyCatches([parseSource('node/tasks/a.ts', text)])).toEqual([
    'node/tasks/a.ts:1 drops an error without a reason; handle it, or say in a comment why it may be dropped',
  ])
})

test.each([
  'try { f() } catch { /* gone already */ }',
  'try { f() } catch {\n  // Gone already.\n}',
  'f().catch(() => {}) // gone already',
  '// Gone already.\nf().catch(() => undefined)',
  'f().catch((error) => log(error))',
  'try { f() } catch { return false }',
])('an error dropped with a reason, or handled, passes: %s', (text) => {
  expect(emptyCatches([parseSource('node/tasks/a.ts', text.includes('return') ? `function g() { ${text} }` : text)])).toEqual([])
})

test('headers are asked of every source, in five lines at most', () => {
  const header = (height: number): string => '// why\n'.repeat(height)
  expect(headerComments([parseSource('node/a.ts', 'export const a = 1')])[0]).toContain('node/a.ts:1 has no header')
  expect(headerComments([parseSource('node/a.ts', `${header(6)}export {}`)])[0]).toContain('node/a.ts:1 has a header of 6 lines')
  expect(headerComments([parseSource('node/a.ts', `${header(5)}export {}`)])).toEqual([])
  expect(headerComments([parseSource('node/nimbus.js', `#!/usr/bin/env node\n${header(1)}export {}`)])).toEqual([])
})

test('a default export is found, whatever its shape', () => {
  const texts = ['export default 1', 'export default class A {}', 'const a = 1\nexport { a as default }']
  for (const text of texts) {
    expect(namedExports([parseSource('node/a.ts', text)]), text).toEqual(['node/a.ts has a default export; export it by name'])
  }
  expect(namedExports([parseSource('node/a.ts', 'export const a = 1'), parseSource('vitest.config.ts', 'export default 1')])).toEqual([])
})
