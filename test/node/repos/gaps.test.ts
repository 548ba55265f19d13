// What a clone names and does not hold is said in the same words by both engines: pointers of LFS, submodules. Nothing of it is fetched
// or followed. The server and git are real.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { NOTE_CHARS_MAX } from '../../../protocols/limits.ts'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { cloneInto, fetchInto, systemGit } from '../../../node/repos/clone.ts'
import { createKeptRepos } from '../../../node/repos/kept/kept-repos.ts'
import { createGitServer, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
const clock = createSystemClock()
const git = requirement('git')
const root = mkdtempSync(join(tmpdir(), 'nimbus-gaps-'))
let server: GitServer
let count = 0

beforeAll(async () => {
  server = await createGitServer()
})
afterAll(async () => {
  await server?.close()
  rmSync(root, { recursive: true, force: true })
})

const pointer = (size: number | string, more = ''): string =>
  `version https://git-lfs.github.com/spec/v1\n${more}oid sha256:${'4d'.repeat(32)}\nsize ${size}\n`
const section = (path: string, url = 'https://example.org/x.git'): string =>
  `[submodule "${path.replaceAll('"', '')}"]\n\tpath = ${path}\n\turl = ${url}\n`

/** Adds entries that only name a commit of another repository. */
function gitlinks(repo: GitRepo, ...paths: string[]): void {
  for (const path of paths) repo.git('update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},${path}`)
  repo.git('commit', '-q', '-m', 'submodules')
  repo.git('push', '-q', 'origin', 'HEAD')
}
async function notesOf(repo: GitRepo): Promise<string[]> {
  const [builtin, system] = await Promise.all(
    (['builtin', 'system'] as const).map((engine) => cloneInto({ url: repo.url, dir: join(root, `clone-${count++}`), clock, engine })),
  )
  expect(builtin?.notes).toEqual(system?.notes)
  for (const note of builtin?.notes ?? []) expect(note.length).toBeLessThanOrEqual(NOTE_CHARS_MAX)
  return builtin?.notes ?? []
}

describe.skipIf(!git.present)(git.title('gaps of a clone'), () => {
  test('pointers of LFS: how many, how large, which, and what helps; what only looks like one is none', async () => {
    const repo = server.repo('lfs', {
      '.gitattributes': '*.bin filter=lfs diff=lfs merge=lfs -text\n',
      'a.bin': pointer(5_000_000),
      'deep/b.bin': pointer(1_000_000, `ext-0-x sha256:${'0'.repeat(64)}\n`),
      'README.md': `Pointers begin like this:\n${pointer(7)}`,
      'crlf.txt': pointer(7).replaceAll('\n', '\r\n'),
      'short-oid.bin': pointer(7).replace('4d4d', ''),
      'huge.bin': pointer('9'.repeat(40)),
      'long.bin': pointer(7, `ext-0-${'x'.repeat(1_000)}\n`),
    })
    repo.link('link.bin', 'a.bin')
    const notes = await notesOf(repo)
    expect(notes).toEqual([
      expect.stringMatching(/^2 files are LFS pointers and not the content \(6(\.0)? MB\), .*: "a.bin", "deep\/b.bin"\. .*git lfs pull/),
    ])
  })

  test('of many only a few are named, and a name can neither be long nor break out of its quotes', async () => {
    const files = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`data/${String(index).padStart(2, '0')}.bin`, pointer(1)]))
    const wild = `z"\u001b[31m\n${'\u0001'.repeat(60)}/${'x'.repeat(200)}.bin`
    const [note = ''] = await notesOf(server.repo('many', { ...files, [wild]: pointer(1) }))
    expect(note).toMatch(/^41 files are LFS pointers/)
    expect(note).toContain('and 36 more')
    expect(note).toContain(String.raw`"z\"\u001b[31m\n`)
    expect(/[\u0000-\u001f]/.test(note)).toBe(false)
  })

  test('submodules: which are not there; their addresses, commands and paths are neither shown nor followed', async () => {
    const repo = server.repo('modules', {
      'README.md': 'x\n',
      'vendored/file.txt': 'it is here\n',
      '.gitmodules': [
        section('libs/one'),
        section('"two"', 'https://user:hunter2@example.org/two.git'),
        section('vendored'),
        section('../../../etc'),
        `[submodule "libs/one"]\n\tupdate = !touch ${join(root, 'mark')}\n\tpath = libs/one\n`,
        '[core]\n\tpath = no/module\n',
      ].join(''),
    })
    gitlinks(repo, 'libs/one', 'two')
    const [note = '', ...others] = await notesOf(repo)
    expect(others).toEqual([])
    expect(note).toMatch(
      /^3 submodules are not fetched, because .*: "\.\.\/\.\.\/\.\.\/etc", "libs\/one", "two"\. .*git submodule update --init/,
    )
    expect(note).not.toMatch(/hunter2|touch|example/)
  })

  test('a whole clone has nothing to say', async () => {
    expect(await notesOf(server.repo('whole', { 'README.md': 'x\n', 'small.txt': 'x'.repeat(200) }))).toEqual([])
  })

  test('a kept repository says it of each tree, after a pull as well, and when it is read again from the disk', async () => {
    const dataDir = join(root, 'data')
    const open = () =>
      createKeptRepos({ clock, dataDir, gitFile: systemGit, onChange: () => {}, fetch: (request) => fetchInto({ ...request, clock }) })
    const repo = server.repo('kept', { 'README.md': 'x\n', 'a.bin': pointer(10) })
    const kept = open()
    await kept.start()
    await kept.add({ url: repo.url })
    await until(() => kept.find('kept')?.state !== 'fetching', { what: 'the fetch', timeoutMs: 60_000 })
    const one = [expect.stringMatching(/^1 file is an LFS pointer and not the content \(10 B\), .*"a\.bin"/)]
    expect(kept.find('kept')).toMatchObject({ state: 'ready', trees: [{ name: 'main', notes: one }] })
    expect(await kept.pull('kept', {})).toMatchObject({ state: 'current', notes: one })
    repo.commit('second', { 'b.bin': pointer(10) })
    const two = [expect.stringMatching(/^2 files are LFS pointers/)]
    expect(await kept.pull('kept', {})).toMatchObject({ state: 'updated', notes: two })
    expect((await kept.addTree('kept', { tree: 'other' })).trees).toMatchObject([{ notes: two }, { name: 'other', notes: two }])
    repo.commit('third', { 'a.bin': 'content\n', 'b.bin': 'content\n' })
    const pulled = await kept.pull('kept', {})
    expect([pulled.state, pulled.notes]).toEqual(['updated', undefined])
    await kept.stop()
    const again = open()
    await again.start()
    expect((await again.look('kept')).trees.map(({ name, notes }) => [name, notes])).toEqual([
      ['main', undefined],
      ['other', two],
    ])
    await again.stop()
    expect(readFileSync(join(dataDir, 'repos/kept/trees/main/a.bin'), 'utf8')).toBe('content\n')
    expect(execFileSync('git', ['status', '--porcelain'], { cwd: join(dataDir, 'repos/kept/trees/main'), encoding: 'utf8' })).toBe('')
  })
})
