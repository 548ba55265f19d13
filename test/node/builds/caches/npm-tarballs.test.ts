// Nothing gets into a cache, or out of it into a build, but what the lockfile names by its hash.
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createReadStream } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pack } from 'tar-stream'
import { hashesOf, packTarballs, unpackTarballs } from '../../../../node/builds/caches/npm-tarballs.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'nimbus-tarballs-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const hashOf = (text: string): string => createHash('sha512').update(text).digest('hex')
const placeOf = (home: string, hash: string): string =>
  join(home, '.npm/_cacache/content-v2/sha512', hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
const fetched = (home: string, hash: string, put: (path: string) => void): void => {
  mkdirSync(dirname(placeOf(home, hash)), { recursive: true })
  put(placeOf(home, hash))
}
const tarOf = (entries: readonly (readonly [string, string])[]): AsyncIterable<Uint8Array> => {
  const tar = pack()
  for (const [name, text] of entries) tar.entry({ name }, text)
  tar.finalize()
  return tar as AsyncIterable<Uint8Array>
}

test('a lockfile is read for its hashes; what is none gives none', () => {
  const integrity = `sha512-${createHash('sha512').update('one').digest('base64')}`
  const packages = {
    '': { name: 'a' },
    'node_modules/one': { integrity },
    'node_modules/old': { integrity: 'sha1-AAAA' },
    'node_modules/x': null,
  }
  expect(hashesOf(JSON.stringify({ lockfileVersion: 3, packages }))).toEqual([hashOf('one')])
  for (const text of ['', 'null', '[]', '{"packages":7}', '{"packages":{"a":{"integrity":"sha512-../../etc"}}}'])
    expect(hashesOf(text)).toEqual([])
})

test('what scripts of packages left in the place of a package is not taken along', { timeout: 30_000 }, async () => {
  const home = join(dir, 'home')
  const [good, changed, link, pipe, unnamed] = ['good', 'changed', 'link', 'pipe', 'unnamed'].map(hashOf) as [
    string,
    string,
    string,
    string,
    string,
  ]
  fetched(home, good, (path) => writeFileSync(path, 'good'))
  fetched(home, changed, (path) => writeFileSync(path, 'something else'))
  writeFileSync(join(dir, 'secret'), 'link')
  fetched(home, link, (path) => symlinkSync(join(dir, 'secret'), path))
  fetched(home, pipe, (path) => execFileSync('mkfifo', [path]))
  fetched(home, unnamed, (path) => writeFileSync(path, 'unnamed'))
  const file = join(dir, 'cache.tar')
  expect(await packTarballs(home, new Set([good, changed, link, pipe, hashOf('absent')]), file)).toEqual({ files: 1, bytes: 4 })
  const fresh = join(dir, 'fresh')
  expect(await unpackTarballs(createReadStream(file), fresh, new Set([good, changed]))).toEqual({ files: 1, bytes: 4 })
  expect(readFileSync(placeOf(fresh, good), 'utf8')).toBe('good')
})

test('a tar that another worker made up gives nothing but packages of the lockfile', async () => {
  const [good, bad, strange] = ['good', 'bad', 'strange'].map(hashOf) as [string, string, string]
  const entries = [
    ['../../outside', 'x'],
    [bad, 'not bad'],
    [strange, 'strange'],
    [good, 'good'],
  ] as const
  expect(await unpackTarballs(tarOf(entries), dir, new Set([good, bad]))).toEqual({ files: 1, bytes: 4 })
  expect(statSync(placeOf(dir, good)).size).toBe(4)
  expect(() => statSync(placeOf(dir, bad))).toThrow('ENOENT')
  expect(() => statSync(placeOf(dir, strange))).toThrow('ENOENT')
})

test('a tar that breaks off gives what came before; one that is none gives nothing', async () => {
  const large = 'x'.repeat(100_000)
  const pieces: Uint8Array[] = []
  for await (const piece of tarOf([
    [hashOf('good'), 'good'],
    [hashOf(large), large],
  ]))
    pieces.push(piece)
  const cut = Buffer.concat(pieces).subarray(0, 50_000)
  const from = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  expect(await unpackTarballs(from(cut), dir, new Set([hashOf('good'), hashOf(large)]))).toEqual({ files: 1, bytes: 4 })
  expect(await unpackTarballs(from(Buffer.alloc(2_000, 7)), dir, new Set([hashOf('good')]))).toEqual({ files: 0, bytes: 0 })
})
