// LevelDB on a real disk: the contract, what is refused rather than papered over, and a writer that is killed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { unframeValue } from '../../../node/store/checked-value.ts'
import { openLevelDatabase } from '../../../node/store/level-database.ts'
import { databaseContract } from '../../contracts/database.ts'

const root = mkdtempSync(join(tmpdir(), 'nimbus-level-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let made = 0
const freshDir = (): string => join(root, `store-${made++}`)
const put = (key: string) => [{ put: key, value: Uint8Array.of(1, 2, 3) }]

databaseContract(() => openLevelDatabase(freshDir()))

test('what was written is there after closing and opening again', async () => {
  const dir = freshDir()
  const first = await openLevelDatabase(dir)
  await first.write(put('k'), { sync: true })
  await first.close()
  const second = await openLevelDatabase(dir)
  expect([...((await second.get('k')) ?? [])]).toEqual([1, 2, 3])
  await second.close()
})

test('a store that lost its CURRENT file is refused, and nothing in it is deleted', async () => {
  const dir = freshDir()
  const database = await openLevelDatabase(dir)
  await database.write(put('k'), { sync: true })
  await database.close()
  rmSync(join(dir, 'level', 'CURRENT'))
  const before = readdirSync(join(dir, 'level')).filter((name) => /\.(log|ldb)$|MANIFEST/.test(name))
  await expect(openLevelDatabase(dir)).rejects.toMatchObject({ code: 'store-open', cure: expect.stringContaining('peers') })
  expect(readdirSync(join(dir, 'level'))).toEqual(expect.arrayContaining(before))
  expect(existsSync(join(dir, 'level', 'CURRENT'))).toBe(false)
})

test('a folder with files of somebody else is refused and left as it was', async () => {
  const dir = freshDir()
  mkdirSync(dir)
  writeFileSync(join(dir, 'thesis.txt'), 'mine')
  await expect(openLevelDatabase(dir)).rejects.toMatchObject({ code: 'store-foreign', message: expect.stringContaining(dir) })
  expect(readdirSync(dir)).toEqual(['thesis.txt'])
})

test('a second opener hears that the folder is in use', async () => {
  const dir = freshDir()
  const database = await openLevelDatabase(dir)
  await expect(openLevelDatabase(dir)).rejects.toMatchObject({
    code: 'data-in-use',
    kind: 'busy',
    cure: expect.stringContaining('nimbus down'),
  })
  await database.write(put('k'), { sync: true })
  await database.close()
})

test('a writer killed in the middle loses nothing that it was told is on disk, and no piece is torn', async () => {
  const dir = freshDir()
  for (let round = 0; round < 5; round++) {
    const acknowledged = await writeUntilKilled(dir, 40 + round * 60)
    const database = await openLevelDatabase(dir)
    const halves: Record<string, string[]> = { x: [], y: [] }
    for await (const [key, framed] of database.range('x/', 'z')) {
      expect(unframeValue(framed)?.length).toBe(2_000)
      halves[key[0] as string]?.push(key.slice(2))
    }
    await database.close()
    expect(acknowledged).toBeGreaterThan(30)
    expect(halves['x']).toEqual(halves['y'])
    for (let i = 0; i <= acknowledged; i++) expect(halves['x']?.[i]).toBe(String(i).padStart(8, '0'))
    rmSync(dir, { recursive: true })
  }
}, 120_000)

/** @returns the last number that the process printed */
async function writeUntilKilled(dir: string, lines: number): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./write-process.ts', import.meta.url)), dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    if (output.split('\n').length > lines) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1))
}
