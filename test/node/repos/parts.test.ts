// How much of a repository comes: its history to a depth, some of its folders, the repositories inside it. Both engines give the same,
// or the built-in one says by name what it cannot. The server and git are real; hostile submodules are refused and run nothing.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { cloneInto, type CloneRequest, fetchInto, type GitEngine } from '../../../node/repos/clone.ts'
import { cloneWhole } from '../../../node/repos/modules/clone-whole.ts'
import { createGitServer, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { requirement } from '../../support/requirements.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
const clock = createSystemClock()
const git = requirement('git')
const root = mkdtempSync(join(tmpdir(), 'nimbus-parts-'))
const ENGINES: GitEngine[] = ['builtin', 'system']
let server: GitServer
let count = 0
beforeAll(async () => {
  server = await createGitServer()
})
afterAll(async () => {
  await server?.close()
  rmSync(root, { recursive: true, force: true })
})

const fresh = (): string => join(root, `clone-${count++}`)
const inside = (dir: string, ...args: string[]): string => execFileSync('git', args, { cwd: dir, encoding: 'utf8' }).trim()
const section = (path: string, url: string, name = path): string => `[submodule "${name}"]\n\tpath = ${path}\n\turl = ${url}\n`
/** Every file of the folder but what git keeps for itself. */
const filesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? [] : [join(entry.parentPath, entry.name).slice(dir.length + 1)]))
    .filter((path) => !/(^|\/)\.git(\/|$)/.test(path))
    .toSorted()
/** Entries of the tree that name commits of other repositories. */
function link(repo: GitRepo, links: Record<string, string>): string {
  for (const [path, commit] of Object.entries(links)) repo.git('update-index', '--add', '--cacheinfo', `160000,${commit},${path}`)
  repo.git('commit', '-q', '-m', 'submodules')
  repo.git('push', '-q', 'origin', 'HEAD')
  return repo.git('rev-parse', 'HEAD').trim()
}
const headOf = (repo: GitRepo): string => repo.git('rev-parse', 'HEAD').trim()
function whole(url: string, engine: GitEngine, request: Partial<Parameters<typeof cloneWhole>[1]> = {}, asked: string[] = []) {
  const clone = (one: CloneRequest) => {
    asked.push(one.url)
    return cloneInto({ ...one, engine })
  }
  return cloneWhole(
    { clone, wishes: () => Promise.resolve(false) },
    { url, dir: fresh(), clock, checkout: { submodules: true }, ...request },
  )
}
const faultOf = (work: Promise<unknown>): Promise<{ code?: string; message: string }> =>
  work.then(
    () => ({ message: 'it was not refused' }),
    (error: Error & { code?: string }) => error,
  )

describe.skipIf(!git.present)(git.title('parts of a repository'), () => {
  test('depth: so many commits and no more, of a branch, a tag and a commit; also from a mirror of this machine', async () => {
    const repo = server.repo('deep', { 'README.md': '0\n' })
    for (let index = 1; index <= 5; index++) repo.commit(`commit ${index}`, { 'README.md': `${index}\n` })
    repo.git('tag', '-a', 'v5', '-m', 'five')
    repo.git('push', '-q', '--tags', 'origin')
    repo.git('--git-dir', repo.bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
    const mirror = join(root, 'deep.git')
    await fetchInto({ url: repo.url, dir: mirror, clock })
    const asked = [
      [undefined, 3, '3'],
      ['v5', 2, '2'],
      [headOf(repo), 100, '6'],
    ] as const
    for (const engine of ENGINES)
      for (const [ref, depth, commits] of asked) {
        const dir = fresh()
        await cloneInto({ url: repo.url, ref, dir, clock, engine, checkout: { depth } })
        expect([engine, ref, inside(dir, 'rev-list', '--count', 'HEAD')]).toEqual([engine, ref, commits])
        expect(inside(dir, 'status', '--porcelain')).toBe('')
      }
    const dir = fresh()
    await cloneInto({ url: repo.url, dir, clock, mirror, checkout: { depth: 4 } })
    expect(inside(dir, 'rev-list', '--count', 'HEAD')).toBe('4')
  })

  test('sparse: the named folders and the files on the way, clean in the eyes of git; the rest can follow; without git it is refused by name', async () => {
    const repo = server.repo('wide', {
      'README.md': 'x\n',
      'packages/app/a.txt': 'a\n',
      'packages/app/deep/b.txt': 'b\n',
      'packages/lib/c.txt': 'c\n',
      'packages/note.txt': 'n\n',
      'docs/d.txt': 'd\n',
      'tools/run.sh': 'e\n',
      'tools/other.sh': 'f\n',
      'large/huge.bin': Buffer.alloc(3_000_000),
    })
    const sparse = ['packages/app', 'packages/app/deep', 'tools/run.sh']
    const dir = fresh()
    // What is not written does not count against the limit.
    const done = await cloneInto({ url: repo.url, dir, clock, engine: 'system', checkout: { sparse }, limits: { treeBytesMax: 1_000_000 } })
    const files = ['README.md', 'packages/app/a.txt', 'packages/app/deep/b.txt', 'packages/note.txt', 'tools/other.sh', 'tools/run.sh']
    expect([filesIn(dir), done.files, inside(dir, 'status', '--porcelain')]).toEqual([files, files.length, ''])
    inside(dir, 'sparse-checkout', 'add', '/docs')
    expect(filesIn(dir)).toContain('docs/d.txt')
    expect(
      await faultOf(cloneInto({ url: repo.url, dir: fresh(), clock, engine: 'system', checkout: { sparse: ['docs', 'no/such'] } })),
    ).toMatchObject({
      code: 'repo-path-not-found',
      message: expect.stringContaining('"no/such"'),
    })
    expect(await faultOf(cloneInto({ url: repo.url, dir: fresh(), clock, engine: 'builtin', checkout: { sparse } }))).toMatchObject({
      code: 'repo-sparse-needs-git',
    })
  })

  test('submodules: relative and whole addresses, one inside another, at the commits that are named; both engines the same', async () => {
    const lib = server.repo('lib', { 'lib.txt': 'old\n' })
    const old = headOf(lib)
    lib.commit('newer', { 'lib.txt': 'new\n' })
    const outer = server.repo('team/outer', { 'outer.txt': 'o\n', '.gitmodules': section('vendor/lib', '../../lib.git') })
    link(outer, { 'vendor/lib': old })
    const top = server.repo('top', {
      'README.md': 'x\n',
      '.gitmodules':
        section('third/outer', './../team/outer.git') + section('two words', `"${lib.url}"`, 'words') + section('gone', lib.url),
    })
    link(top, { 'third/outer': headOf(outer), 'two words': headOf(lib) })
    const seen = await Promise.all(
      ENGINES.map(async (engine) => {
        const dir = fresh()
        const done = await whole(top.url, engine, { dir })
        expect(inside(dir, 'status', '--porcelain')).toBe('')
        expect(readFileSync(join(dir, 'third/outer/vendor/lib/lib.txt'), 'utf8')).toBe('old\n')
        expect(readFileSync(join(dir, 'two words/lib.txt'), 'utf8')).toBe('new\n')
        return {
          files: filesIn(dir),
          heads: inside(dir, 'ls-files', '--stage'),
          done: { ...done, modules: done.modules.map(({ path }) => path) },
        }
      }),
    )
    expect(seen[0]).toEqual(seen[1])
    // A section without an entry in the tree is nothing that could be fetched, and is told.
    expect(seen[0]?.done.notes).toEqual([expect.stringMatching(/^1 submodule is not fetched.*"gone"/)])
    const plain = await whole(top.url, 'system', { checkout: { depth: 1 } })
    expect(plain.notes).toEqual([expect.stringMatching(/^3 submodules are not fetched, .*--submodules/)])
  })

  test('a hostile submodule ends the clone before anything is asked of its address, and leaves nothing', async () => {
    const marks = join(root, 'marks')
    const modules = section('fine', '../lib.git') + section('a', `"ext::sh -c 'touch ${marks}'"`)
    const repo = server.repo('hostile', { 'README.md': 'x\n', '.gitmodules': modules })
    link(repo, { a: '1'.repeat(40), fine: '1'.repeat(40) })
    for (const engine of ENGINES) {
      const [dir, asked] = [fresh(), [] as string[]]
      expect(await faultOf(whole(repo.url, engine, { dir }, asked))).toMatchObject({ code: 'repo-submodule-refused' })
      expect([asked, existsSync(dir), existsSync(marks)]).toEqual([[repo.url], false, false])
    }
  })

  test('too many, too deep, not there and not let in are named, and nothing is left', async () => {
    const paths = Array.from({ length: 65 }, (_, index) => `m${index}`)
    const many = server.repo('many', { '.gitmodules': paths.map((path) => section(path, '../lib.git')).join('') })
    link(many, Object.fromEntries(paths.map((path) => [path, '1'.repeat(40)])))
    // It names itself, one commit earlier each time.
    const deep = server.repo('nested', { 'README.md': 'x\n', '.gitmodules': section('in', '../nested.git') })
    for (let level = 0; level < 6; level++) link(deep, { in: headOf(deep) })
    const gone = server.repo('gone', { '.gitmodules': section('a', '../nothing.git') })
    link(gone, { a: '1'.repeat(40) })
    const closed = server.repo('closed', { '.gitmodules': section('a', '../private/lib.git') })
    link(closed, { a: '1'.repeat(40) })
    for (const engine of ENGINES)
      for (const [repo, code, message] of [
        [many, 'repo-submodule-refused', /more than 64/],
        [deep, 'repo-submodule-refused', /"in\/in\/in\/in\/in" is not fetched: it lies inside 4 others/],
        [gone, 'repo-not-found', /The submodule "a" could not be fetched\. /],
        [closed, 'repo-needs-credentials', /The submodule "a" could not be fetched\. /],
      ] as const) {
        const dir = fresh()
        expect(await faultOf(whole(repo.url, engine, { dir }))).toMatchObject({ code, message: expect.stringMatching(message) })
        expect(existsSync(dir)).toBe(false)
      }
  })
})
