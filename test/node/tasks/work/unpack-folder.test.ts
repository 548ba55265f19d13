// A shipped folder is a member's word: whatever its tar says, nothing is written, linked or read outside of the folder.
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Header } from 'tar-stream'
import { pack } from 'tar-stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packFolder } from '../../../../node/cli/tasks/pack-folder.ts'
import { unpackFolder } from '../../../../node/tasks/work/unpack-folder.ts'

let parent: string
let dir: string
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'nimbus-tar-'))
  dir = join(parent, 'work')
})
afterEach(() => rm(parent, { recursive: true, force: true }))

type Entry = Partial<Header> & { name: string; text?: string }

async function* tarOf(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  const tar = pack()
  for (const { text = '', ...header } of entries) tar.entry(header, text)
  tar.finalize()
  for await (const piece of tar) yield piece as Uint8Array
}
const unpack = (entries: readonly Entry[]) => unpackFolder(tarOf(entries), dir, new AbortController().signal)
const link = (name: string, linkname: string): Entry => ({ name, type: 'symlink', linkname })

const HOSTILE: [string, Entry[], RegExp][] = [
  ['a path out of it', [{ name: '../out', text: 'x' }], /"\.\.\/out": it lies outside the folder/],
  ['a path that leaves in the middle', [{ name: 'a/../../out', text: 'x' }], /it lies outside/],
  ['an absolute path', [{ name: '/tmp/out', text: 'x' }], /it lies outside/],
  ['a path with backslashes', [{ name: 'a\\..\\..\\out', text: 'x' }], /it lies outside/],
  ['a link out of it', [link('l', '../out')], /"l": it is a link out of the folder/],
  ['an absolute link', [link('l', '/etc/passwd')], /it is a link out of the folder/],
  ['a link through a link out of it', [link('a', '.'), link('b', 'a/..')], /it leads out of the folder/],
  ['a link behind a link', [link('a', 'b'), { name: 'b', type: 'directory' }, link('a/c', 'd')], /it lies behind a link/],
  ['a hard link', [{ name: 'h', type: 'link', linkname: '/etc/passwd' }], /it is a link, neither file, folder nor link/],
  ['a device', [{ name: 'd', type: 'character-device', devmajor: 1, devminor: 3 }], /it is a character-device/],
  ['a pipe', [{ name: 'p', type: 'fifo' }], /it is a fifo/],
  [
    'the same file twice',
    [
      { name: 'f', text: 'one' },
      { name: 'f', text: 'two' },
    ],
    /cannot be unpacked: .*EEXIST/,
  ],
  [
    'a file where a folder is needed',
    [
      { name: 'f', text: 'one' },
      { name: 'f/g', text: 'two' },
    ],
    /cannot be unpacked/,
  ],
]

test.each(HOSTILE)('%s is refused by name, and nothing of it is outside', async (_what, entries, words) => {
  await writeFile(join(parent, 'witness'), '')
  await expect(unpack(entries)).rejects.toThrow(words)
  expect((await readdir(parent)).toSorted()).toEqual(['witness', 'work'])
  expect(existsSync('/tmp/out')).toBe(false)
})

test('a file is never written through a link that came before it', async () => {
  await expect(unpack([link('a', '..'), { name: 'a/out', text: 'x' }])).rejects.toThrow(/./)
  expect(await readdir(parent)).toEqual(['work'])
})

test('too many files are refused by number', async () => {
  const many = Array.from({ length: 11 }, (_, at) => ({ name: `d${at}`, type: 'directory' as const }))
  await expect(unpackFolder(tarOf(many), dir, new AbortController().signal, 10)).rejects.toThrow(/it has more than 10 files and folders/)
})

test('bytes that are no tar are refused', async () => {
  const noise = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(4096, 7)
  }
  await expect(unpackFolder(noise(), dir, new AbortController().signal)).rejects.toMatchObject({ code: 'dir-damaged' })
})

test('a tar that is cut off is refused', async () => {
  const cut = async function* (): AsyncGenerator<Uint8Array> {
    const pieces: Uint8Array[] = []
    for await (const piece of tarOf([{ name: 'f', text: 'x'.repeat(5000) }])) pieces.push(piece)
    yield Buffer.concat(pieces).subarray(0, 2000)
  }
  await expect(unpackFolder(cut(), dir, new AbortController().signal)).rejects.toMatchObject({ code: 'dir-damaged' })
})

test('a sound folder comes out as it went in, and makes the same bytes each time', async () => {
  await unpack([
    { name: 'sub', type: 'directory' },
    { name: 'sub/run', text: '#!/bin/sh\n', mode: 0o755 },
    { name: 'empty', text: '' },
    link('sub/back', '../empty'),
  ])
  expect((await stat(join(dir, 'sub/run'))).mode & 0o777).toBe(0o755)
  const bytes = async (): Promise<string> => {
    const pieces: Uint8Array[] = []
    for await (const piece of (await packFolder(dir)).tar) pieces.push(piece)
    return Buffer.concat(pieces).toString('base64')
  }
  expect(await bytes()).toBe(await bytes())
  const again = join(parent, 'again')
  await unpackFolder((await packFolder(dir)).tar, again, new AbortController().signal)
  expect([await readlink(join(again, 'sub/back')), await readFile(join(again, 'empty'), 'utf8')]).toEqual(['../empty', ''])
})
