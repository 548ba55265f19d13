// Clones from a real git server over HTTP, checked against real git; and everything that a clone refuses.
import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { cloneInto, type CloneRequest, type GitEngine } from '../../../node/repos/clone.ts'
import type { CloneProgress } from '../../../node/repos/progress.ts'
import { createGitServer, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { until } from '../../support/until.ts'

const clock = createSystemClock()
const root = mkdtempSync(join(tmpdir(), 'nimbus-clone-'))
enableCompileCache(join(root, 'cache')) // fifty helpers are started here
let server: GitServer
let repo: GitRepo
let first = ''
let count = 0

beforeAll(async () => {
  server = await createGitServer()
  repo = server.repo('project', { 'README.md': 'one\n', 'src/deep/file.txt': 'deep\n', 'run.sh': '#!/bin/sh\n', 'umlaut-ä.txt': 'ä' })
  first = repo.git('rev-parse', 'HEAD').trim()
  repo.git('tag', '-a', 'v1', '-m', 'version one')
  repo.git('tag', 'light')
  repo.commit('second', { 'README.md': 'two\n' })
  repo.git('push', '-q', '--tags', 'origin')
  repo.git('checkout', '-q', '-b', 'feature/x')
  repo.commit('on a branch', { 'README.md': 'branch\n' })
  repo.git('checkout', '-q', 'main')
})
afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true, force: true })
})

let engine: GitEngine = 'builtin'
const fresh = (): string => join(root, `clone-${count++}`)
async function clone(request: Partial<CloneRequest> & { url: string }) {
  const dir = request.dir ?? fresh()
  const done = await cloneInto({ dir, clock, engine, ...request })
  return { ...done, dir, readme: readFileSync(join(dir, 'README.md'), 'utf8') }
}
async function refused(request: Partial<CloneRequest> & { url: string }) {
  const dir = fresh()
  const error = await cloneInto({ dir, clock, engine, ...request }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(existsSync(dir)).toBe(false)
  return error
}
const git = (dir: string, ...args: string[]): string => execFileSync('git', args, { cwd: dir, encoding: 'utf8' }).trim()

describe.each(['builtin', 'system'] as const)('with the %s engine', (chosen) => {
  beforeAll(() => {
    engine = chosen
    repo.git('--git-dir', repo.bare, 'config', 'uploadpack.allowAnySHA1InWant', 'false')
  })
  test('the default branch is cloned at depth one, clean in the eyes of git, with progress in percent', async () => {
    const steps: CloneProgress[] = []
    const done = await clone({ url: repo.url, onProgress: (step) => steps.push(step) })
    expect(done).toMatchObject({ branch: 'main', commit: repo.git('rev-parse', 'main').trim(), files: 4, bytes: 21, readme: 'two\n' })
    expect(git(done.dir, 'status', '--porcelain')).toBe('')
    expect(git(done.dir, 'rev-parse', '--abbrev-ref', 'HEAD')).toBe('main')
    expect(git(done.dir, 'rev-list', '--count', 'HEAD')).toBe('1')
    expect(statSync(join(done.dir, 'run.sh')).mode & 0o111).toBe(0o111)
    expect(readFileSync(join(done.dir, 'umlaut-ä.txt'), 'utf8')).toBe('ä')
    expect(steps.map((step) => step.phase)).toContain('Receiving objects')
    expect(steps.at(-1)).toMatchObject({ phase: 'Updating workdir', percent: 100 })
  })

  test('a branch with a slash in its name is checked out as that branch', async () => {
    expect(await clone({ url: repo.url, ref: 'feature/x' })).toMatchObject({ branch: 'feature/x', readme: 'branch\n' })
  })

  test('a tag, with or without a message, gives the commit behind it', async () => {
    for (const ref of ['v1', 'light', 'refs/tags/v1']) {
      const done = await clone({ url: repo.url, ref })
      expect(done).toMatchObject({ commit: first, readme: 'one\n' })
      expect(done).not.toHaveProperty('branch')
      expect(git(done.dir, 'rev-parse', 'HEAD')).toBe(first)
    }
  })

  test('a full commit is found, from a server that gives out single commits and from one that does not', async () => {
    expect(await clone({ url: repo.url, ref: first })).toMatchObject({ commit: first, readme: 'one\n' })
    repo.git('--git-dir', repo.bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true')
    const done = await clone({ url: repo.url, ref: first })
    expect(done).toMatchObject({ commit: first, readme: 'one\n' })
    expect(git(done.dir, 'rev-list', '--count', 'HEAD')).toBe('1')
  })

  test('a branch, tag or commit that is not there is named', async () => {
    expect(await refused({ url: repo.url, ref: 'no-such' })).toMatchObject({
      code: 'repo-ref-not-found',
      kind: 'missing',
      message: expect.stringContaining('"no-such"'),
    })
    expect(await refused({ url: repo.url, ref: 'ab'.repeat(20) })).toMatchObject({ code: 'repo-ref-not-found' })
  })

  test('a repository that is not there, asks for credentials, or is none, is told apart', async () => {
    expect(await refused({ url: `${server.url}/nothing.git` })).toMatchObject({ code: 'repo-not-found', kind: 'missing' })
    expect(await refused({ url: `${server.url}/private/project.git` })).toMatchObject({ code: 'repo-needs-credentials', kind: 'refused' })
    expect(await refused({ url: `${server.url}/page/project.git` })).toMatchObject({
      code: 'repo-not-found',
      message: expect.stringContaining('is no git repository'),
    })
    expect(await refused({ url: `${server.url}/broken/project.git` })).toMatchObject({
      code: 'repo-unreachable',
      message: expect.stringContaining('503'),
    })
  })

  test('an empty repository says that it is empty', async () => {
    const bare = join(server.dir, `empty-${engine}.git`)
    execFileSync('git', ['init', '-q', '--bare', bare])
    expect(await refused({ url: `${server.url}/empty-${engine}.git` })).toMatchObject({ code: 'repo-empty' })
  })

  test('a host that refuses the connection or has no address is unreachable', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as { port: number }
    await new Promise((resolve) => closed.close(resolve))
    expect(await refused({ url: `http://127.0.0.1:${port}/x.git` })).toMatchObject({
      code: 'repo-unreachable',
      kind: 'unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    expect(await refused({ url: 'http://no-such-host.invalid/x.git' })).toMatchObject({ code: 'repo-unreachable' })
  })

  test('a redirect is followed; one in a circle, to another scheme or with credentials is not', async () => {
    expect(await clone({ url: `${server.url}/moved/project.git` })).toMatchObject({ readme: 'two\n' })
    expect(await refused({ url: `${server.url}/loop/project.git` })).toMatchObject({ code: 'repo-redirects' })
    const trap = (to: string): string => `${server.url}/trap/${encodeURIComponent(to)}`
    expect(await refused({ url: trap('ftp://127.0.0.1/x') })).toMatchObject({ code: 'repo-url-scheme' })
    expect(await refused({ url: trap('file:///etc/passwd') })).toMatchObject({ code: 'repo-url-scheme' })
    expect(await refused({ url: trap(`http://user:word@127.0.0.1/x`) })).toMatchObject({ code: 'repo-url-credentials' })
  })

  test('more bytes, more files on the disk, more memory or more time than allowed end the clone by name', async () => {
    const big = server.repo(`big-${engine}`, { 'README.md': 'big\n', noise: randomBytes(3_000_000) })
    expect(await refused({ url: big.url, limits: { receivedBytesMax: 1_000_000 } })).toMatchObject({
      code: 'repo-too-large',
      message: expect.stringContaining('sent more than 1000000 bytes'),
    })
    expect(await refused({ url: big.url, limits: { memoryBytesMax: 40e6 } })).toMatchObject({
      code: 'repo-too-large',
      message: expect.stringContaining('of memory'),
    })
    const bomb = server.repo(
      `bomb-${engine}`,
      Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`copy-${index}`, Buffer.alloc(1_000_000)])),
    )
    expect(await refused({ url: bomb.url, limits: { treeBytesMax: 5_000_000 } })).toMatchObject({
      code: 'repo-too-large',
      message: expect.stringContaining('files take more than'),
    })
    expect(await refused({ url: `${server.url}/stuck/project.git`, limits: { timeMaxMs: 400 } })).toMatchObject({ code: 'clone-too-long' })
  })

  test('a clone that is no longer wanted ends at once', async () => {
    const controller = new AbortController()
    const refusal = refused({ url: `${server.url}/stuck/project.git`, signal: controller.signal })
    await until(() => server.stuck() > 0, { what: 'the request' })
    controller.abort()
    expect(await refusal).toMatchObject({ code: 'clone-aborted' })
  })

  test('when the process that asked for a clone is killed, the clone ends', async () => {
    const { href } = new URL('../../../node/', import.meta.url)
    const script = `
    import { createSystemClock } from '${href}kernel/clock.ts'
    import { cloneInto } from '${href}repos/clone.ts'
    await cloneInto({ url: '${server.url}/stuck/project.git', dir: '${fresh()}', clock: createSystemClock(), engine: '${engine}' })`
    const caller = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    await until(() => server.stuck() > 0, { what: 'the request' })
    caller.kill('SIGKILL')
    await until(() => server.stuck() === 0, { what: 'the end of the request' })
    expect(server.stuck()).toBe(0)
  })

  test('links within the tree are kept; links out of it, into .git or around two corners are refused', async () => {
    const inside = server.repo(`inside-${engine}`, { 'README.md': 'x', 'src/a': 'a' })
    inside.link('to-a', 'src/a')
    const { dir } = await clone({ url: inside.url })
    expect(lstatSync(join(dir, 'to-a')).isSymbolicLink()).toBe(true)
    for (const [name, target] of [
      ['absolute', '/etc/passwd'],
      ['upward', '../../outside'],
      ['hooks', '.git/hooks'],
    ] as const) {
      const hostile = server.repo(`link-${name}-${engine}`, { 'README.md': 'x' })
      hostile.link('evil', target)
      expect(await refused({ url: hostile.url })).toMatchObject({ code: 'repo-unsafe-tree', message: expect.stringContaining('"evil"') })
    }
    const corners = server.repo(`corners-${engine}`, { 'README.md': 'x', 'a/b/file': 'x', 'c/file': 'x' })
    corners.link('short', 'a/b')
    corners.link('c/evil', '../short/../../../..')
    expect(await refused({ url: corners.url })).toMatchObject({ code: 'repo-unsafe-tree' })
  })

  test('entries named .git or .. that git itself would never write are refused', async () => {
    for (const [index, name] of ['.git', '..', '.GIT', 'git~1'].entries()) {
      const hostile = server.repo(`names-${index}-${engine}`, { 'README.md': 'x' })
      const object = (type: string, content: Buffer): string =>
        execFileSync('git', ['--git-dir', hostile.bare, 'hash-object', '-t', type, '-w', '--literally', '--stdin'], {
          input: content,
          encoding: 'utf8',
        }).trim()
      const blob = object('blob', Buffer.from('evil'))
      const entry = (mode: string, path: string, oid: string): Buffer =>
        Buffer.concat([Buffer.from(`${mode} ${path}\0`), Buffer.from(oid, 'hex')])
      const inner = object('tree', entry('100644', 'config', blob))
      const tree = object('tree', entry('40000', name, inner))
      const commit = object('commit', Buffer.from(`tree ${tree}\nauthor T <t@e> 1 +0000\ncommitter T <t@e> 1 +0000\n\nevil\n`))
      execFileSync('git', ['--git-dir', hostile.bare, 'update-ref', 'refs/heads/main', commit])
      expect(await refused({ url: hostile.url })).toMatchObject({ code: 'repo-unsafe-tree' })
    }
  })

  test('bad addresses and bad refs are refused before anything starts, and credentials are not repeated', async () => {
    for (const url of ['git@github.com:a/b', 'file:///etc', 'ext::sh -c id', 'git://h/x', '/etc', '--upload-pack=id']) {
      expect(await refused({ url })).toMatchObject({ code: expect.stringMatching(/^repo-url-(invalid|scheme)$/) })
    }
    const error = await refused({ url: 'https://user:pass-word@example.org/a.git' })
    expect(error).toMatchObject({ code: 'repo-url-credentials', cure: 'Remove what stands before the @: https://example.org/a.git' })
    expect(JSON.stringify([error, String(error)])).not.toContain('pass-word')
    for (const ref of ['', '-x', 'a..b', '@{-1}', 'HEAD^', 'a b', 'x.lock', '../up', 'a\nb', 'HEAD^{/x}']) {
      expect(await refused({ url: repo.url, ref })).toMatchObject({ code: 'repo-ref-invalid' })
    }
  })

  test('a folder that is not empty is left as it is', async () => {
    const dir = fresh()
    mkdirSync(dir)
    writeFileSync(join(dir, 'mine'), 'keep')
    await expect(cloneInto({ url: repo.url, dir, clock })).rejects.toMatchObject({ code: 'folder-not-empty' })
    expect(readFileSync(join(dir, 'mine'), 'utf8')).toBe('keep')
  })
})
