// Looking for commands by the rules of the PATH, without its traps.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { findTool } from '../../../../node/runner/commands/find-tools.ts'

const dir = mkdtempSync(join(tmpdir(), 'nimbus-tools-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
for (const folder of ['one', 'two', 'one/folder']) mkdirSync(join(dir, folder))
writeFileSync(join(dir, 'one/tool'), '')
writeFileSync(join(dir, 'two/tool'), '')
chmodSync(join(dir, 'two/tool'), 0o755)
const path = `${join(dir, 'one')}:${join(dir, 'two')}`

test('the first executable file of the path is found by its absolute name', () => {
  expect(findTool('tool', path)).toBe(join(dir, 'two/tool'))
})

test('folders, missing names and names with slashes are not tools', () => {
  expect(findTool('folder', path)).toBeUndefined()
  expect(findTool('nothing', path)).toBeUndefined()
  expect(findTool('../two/tool', path)).toBeUndefined()
})

test('empty and relative entries of the path are passed over', () => {
  expect(findTool('guardian.ts', ':.:node/runner')).toBeUndefined()
})
