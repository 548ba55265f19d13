// Workspaces on a real disk: fresh, removed, and only the last few failures kept.
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createWorkspaces, type Workspaces } from '../../../node/repos/workspaces.ts'

let dataDir: string
let workspaces: Workspaces
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'nimbus-work-'))
  workspaces = createWorkspaces({ dataDir })
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))

test('an attempt gets a fresh folder that is gone after it succeeded', async () => {
  const dir = await workspaces.create('task', 7)
  expect(dir).toBe(join(dataDir, 'work', 'task-7'))
  writeFileSync(join(dir, 'result'), '')
  await workspaces.release('task', 7, { failed: false })
  expect(existsSync(dir)).toBe(false)
})

test('what an earlier run left under the same name is not seen by the next', async () => {
  const dir = await workspaces.create('task', 1)
  writeFileSync(join(dir, 'old'), '')
  await workspaces.release('task', 1, { failed: true })
  expect(readdirSync(await workspaces.create('task', 1))).toEqual([])
})

test('the folders of the last five failures stay, and a folder in use is never removed', async () => {
  const busy = await workspaces.create('busy', 1)
  for (let epoch = 1; epoch <= 8; epoch++) {
    utimesSync(await workspaces.create('bad', epoch), epoch, epoch)
    await workspaces.release('bad', epoch, { failed: true })
  }
  expect(readdirSync(join(dataDir, 'work')).toSorted()).toEqual(['bad-4', 'bad-5', 'bad-6', 'bad-7', 'bad-8', 'busy-1'])
  await expect(workspaces.create('busy', 1)).rejects.toMatchObject({ code: 'workspace-in-use' })
  expect(existsSync(busy)).toBe(true)
})

test('a name that would leave the folder is refused', async () => {
  for (const id of ['../up', '..', 'a/b', 'x'.repeat(300)]) {
    await expect(workspaces.create(id, 1)).rejects.toMatchObject({ code: 'workspace-name-invalid' })
  }
})
