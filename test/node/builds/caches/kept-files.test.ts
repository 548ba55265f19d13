// Nothing gets into a cache, or out of it into a build, but what a lockfile names by its hash.
import { createHash } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createReadStream } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { pack } from 'tar-stream'
import type { Shelf } from '../../../../node/builds/caches/kept-files.ts'
import { countKept, packKept, unpackKept } from '../../../../node/builds/caches/kept-files.ts'
import { SHELF_KINDS } from '../../../../node/builds/caches/shelves.ts'
import { zipOf } from '../../../e2e/builds/loopback-mirrors.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'nimbus-kept-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const hex = (algorithm: string, text: string | Buffer): string => createHash(algorithm).update(text).digest('hex')
const base64 = (algorithm: string, text: string | Buffer): string => createHash(algorithm).update(text).digest('base64')
const npmPlace = (text: string): string => {
  const hash = hex('sha512', text)
  return `.npm/_cacache/content-v2/sha512/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash.slice(4)}`
}
const shelfOf = (tool: string, lock: string): Shelf | undefined => SHELF_KINDS.find((kind) => kind.tool === tool)?.shelfOf(lock)
const npmShelf = (...texts: string[]): Shelf =>
  shelfOf(
    'npm',
    JSON.stringify({
      packages: Object.fromEntries(texts.map((text, at) => [`node_modules/${at}`, { integrity: `sha512-${base64('sha512', text)}` }])),
    }),
  )!
const put = (home: string, path: string, bytes: string | Buffer): void => {
  mkdirSync(dirname(join(home, path)), { recursive: true })
  writeFileSync(join(home, path), bytes)
}
const tarOf = (entries: readonly (readonly [string, string | Buffer])[]): AsyncIterable<Uint8Array> => {
  const tar = pack()
  for (const [name, bytes] of entries) tar.entry({ name }, bytes)
  tar.finalize()
  return tar as AsyncIterable<Uint8Array>
}

test('what is no lockfile names nothing', () => {
  for (const { tool, shelfOf: shelf } of SHELF_KINDS)
    for (const text of [
      '',
      'null',
      '[]',
      '{"packages":7}',
      '{"packages":{"a":{"integrity":"sha512-../../etc"}}}',
      'package = 7',
      '[[package]]\nname = "a"',
      'a v1 h1:x',
      '# yarn lockfile v1\n',
    ])
      expect([tool, text, shelf(text)]).toEqual([tool, text, undefined])
})

test('what scripts of packages left in the place of a package is not taken along', { timeout: 30_000 }, async () => {
  const home = join(dir, 'home')
  put(home, npmPlace('good'), 'good')
  put(home, npmPlace('changed'), 'something else')
  put(home, npmPlace('unnamed'), 'unnamed')
  writeFileSync(join(dir, 'secret'), 'link')
  for (const text of ['link', 'pipe']) mkdirSync(dirname(join(home, npmPlace(text))), { recursive: true })
  symlinkSync(join(dir, 'secret'), join(home, npmPlace('link')))
  execFileSync('mkfifo', [join(home, npmPlace('pipe'))])
  const file = join(dir, 'cache.tar')
  const shelves = [npmShelf('good', 'changed', 'link', 'pipe', 'absent')]
  expect(await packKept(home, shelves, file)).toEqual({ files: 1, bytes: 4 })
  expect(await countKept(home, shelves)).toBe(2)
  const fresh = join(dir, 'fresh')
  expect(await unpackKept(createReadStream(file), fresh, shelves)).toEqual({ files: 1, bytes: 4 })
  expect(readFileSync(join(fresh, npmPlace('good')), 'utf8')).toBe('good')
})

test('a tar that breaks off gives what came before; one that is none gives nothing', async () => {
  const large = 'x'.repeat(100_000)
  const pieces: Uint8Array[] = []
  for await (const piece of tarOf([
    [npmPlace('good'), 'good'],
    [npmPlace(large), large],
  ]))
    pieces.push(piece)
  const from = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
    yield bytes
  }
  const shelves = [npmShelf('good', large)]
  expect(await unpackKept(from(Buffer.concat(pieces).subarray(0, 50_000)), dir, shelves)).toEqual({ files: 1, bytes: 4 })
  expect(await unpackKept(from(Buffer.alloc(2_000, 7)), dir, shelves)).toEqual({ files: 0, bytes: 0 })
})

describe('a tar that another worker made up gives nothing but what the lockfile names, where the tool looks for it', () => {
  const module = zipOf({ 'example.test/Mod@v1.2.3/go.mod': 'module example.test/Mod\n', 'example.test/Mod@v1.2.3/a.go': 'package a\n' })
  const lines = ['example.test/Mod@v1.2.3/a.go', 'example.test/Mod@v1.2.3/go.mod'].map(
    (name, at) => `${hex('sha256', at === 0 ? 'package a\n' : 'module example.test/Mod\n')}  ${name}\n`,
  )
  const sumOf = (text: string): string => `h1:${base64('sha256', text)}`
  const goSum = `example.test/Mod v1.2.3 ${sumOf(lines.join(''))}\nexample.test/Mod v1.2.3/go.mod ${sumOf(`${hex('sha256', 'module example.test/Mod\n')}  go.mod\n`)}\n../../x v1 h1:${'A'.repeat(43)}=\n`
  const goPlace = 'go/pkg/mod/cache/download/example.test/!mod/@v/v1.2.3'
  const crates = '.cargo/registry/cache/index.crates.io-1949cf8c6b5b557f'
  const cases: [string, string, [string, string | Buffer][], [string, string | Buffer][]][] = [
    [
      'npm',
      '',
      [[npmPlace('good'), 'good']],
      [
        [npmPlace('bad'), 'not bad'],
        [npmPlace('strange'), 'strange'],
        ['../../outside', 'good'],
      ],
    ],
    [
      'cargo',
      `[[package]]\nname = "parcel"\nversion = "1.0.0"\nchecksum = "${hex('sha256', 'crate')}"\n[[package]]\nname = "own"\nversion = "1.0.0"\n`,
      [[`${crates}/parcel-1.0.0.crate`, 'crate']],
      [
        [`${crates}2/parcel-1.0.0.crate`, 'other'],
        [`${crates}/parcel-1.0.1.crate`, 'crate'],
        [`${crates}/own-1.0.0.crate`, 'crate'],
        ['.cargo/registry/cache/../../../parcel-1.0.0.crate', 'crate'],
        ['.cargo/registry/index/index.crates.io-1949cf8c6b5b557f/.cache/pa/rc/parcel', 'crate'],
        ['.cargo/config.toml', 'crate'],
        ['.cargo/bin/cargo', 'crate'],
      ],
    ],
    [
      'go',
      goSum,
      [
        [`${goPlace}.zip`, module],
        [`${goPlace}.mod`, 'module example.test/Mod\n'],
      ],
      [
        [`${goPlace}.ziphash`, sumOf(lines.join(''))],
        [`${goPlace}.info`, '{"Version":"v1.2.3"}'],
        ['go/pkg/mod/cache/download/example.test/Mod/@v/v1.2.3.zip', module],
        ['go/pkg/mod/example.test/!mod@v1.2.3/a.go', 'package a\n'],
      ],
    ],
    [
      'yarn',
      `# yarn lockfile v1\n\nparcel@1.0.0:\n  version "1.0.0"\n  integrity sha512-${base64('sha512', 'tarball')}\n`,
      [['.yarn-mirror/parcel-1.0.0.tgz', 'tarball']],
      [
        ['.yarn-mirror/other-1.0.0.tgz', 'other'],
        ['.yarn-mirror/../.yarnrc', 'tarball'],
        ['.yarn-mirror/sub/parcel-1.0.0.tgz', 'tarball'],
      ],
    ],
  ]
  test.each(cases)('%s', async (tool, lock, good, bad) => {
    const shelves = [tool === 'npm' ? npmShelf('good', 'bad') : shelfOf(tool, lock)!]
    const { files } = await unpackKept(tarOf([...bad, ...good]), dir, shelves)
    const there = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(dir, name)).isFile())
    expect(there.toSorted()).toEqual(good.map(([path]) => path).toSorted())
    expect(files).toBe(good.length)
    // And the way back: the same files, and the same bytes of the tar wherever they are packed.
    const [one, two] = [join(dir, '..', `${tool}-one-${files}.tar`), join(dir, '..', `${tool}-two-${files}.tar`)]
    try {
      expect((await packKept(dir, shelves, one)).files).toBe(good.length)
      for (const [path] of good) writeFileSync(join(dir, path), readFileSync(join(dir, path)))
      await packKept(dir, shelves, two)
      expect(readFileSync(one).equals(readFileSync(two))).toBe(true)
    } finally {
      for (const file of [one, two]) rmSync(file, { force: true })
    }
  })

  test('an archive of a module that is changed, cut off or made to confuse has another sum', async () => {
    const shelves = [shelfOf('go', goSum)!]
    const changed = Buffer.from(module)
    changed[module.indexOf('package a')] = 0x50
    const wrong = [
      changed,
      module.subarray(0, -3),
      Buffer.concat([module, module]),
      Buffer.concat([module, Buffer.from('x')]),
      zipOf({ 'example.test/Mod@v1.2.3/go.mod': 'module example.test/Mod\n' }),
      Buffer.alloc(0),
      Buffer.alloc(200, 0xff),
    ]
    for (const bytes of wrong) expect(await unpackKept(tarOf([[`${goPlace}.zip`, bytes]]), dir, shelves)).toEqual({ files: 0, bytes: 0 })
  })
})
