// Repositories that stay, with real git on both sides: what a pull finds, what each choice does, and that nothing goes with work in it.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { fetchInto, systemGit } from '../../../node/repos/clone.ts'
import { createKeptRepos } from '../../../node/repos/kept/kept-repos.ts'
import type { KeptRepos } from '../../../node/repos/kept/kept-view.ts'
import type { PullView, RepoView } from '../../../protocols/http/repos.ts'
import { createGitServer, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'

// Each fetch is a process of its own, and there are many.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
const clock = createSystemClock()
const git = requirement('git')
let dataDir: string
let server: GitServer
let kept: KeptRepos
let count = 0

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'nimbus-kept-'))
  server = await createGitServer()
  kept = createKeptRepos({ clock, dataDir, gitFile: systemGit, onChange: () => {}, fetch: (request) => fetchInto({ ...request, clock }) })
  await kept.start()
})
afterAll(async () => {
  await kept?.stop()
  await server?.close()
  rmSync(dataDir, { recursive: true, force: true })
})

type Kept = { repo: GitRepo; name: string; tree: string; run(...args: string[]): string }
async function add(prepare: (repo: GitRepo) => void = () => {}): Promise<Kept> {
  const name = `r${count++}`
  const repo = server.repo(name, { 'README.md': 'one\n', 'src/a.txt': 'a\n' })
  prepare(repo)
  await kept.add({ url: repo.url })
  await settled(name)
  const tree = join(dataDir, 'repos', name, 'trees', 'main')
  const run = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@e', ...args], { cwd: tree, encoding: 'utf8' }).trim()
  return { repo, name, tree, run }
}
async function settled(name: string): Promise<RepoView> {
  await until(() => kept.find(name)?.state !== 'fetching', { what: `the fetch of ${name}`, timeoutMs: 60_000 })
  const view = await kept.look(name)
  expect([view.state, view.error]).toEqual(['ready', undefined])
  return view
}
const upstreamHead = (repo: GitRepo, branch = 'main'): string => repo.git('--git-dir', repo.bare, 'rev-parse', branch).trim()

describe.skipIf(!git.present)(git.title('kept repositories'), () => {
  test('a mirror of all branches and tags, and a clean work tree; a pull moves it forward, and tags come along', async () => {
    const { repo, name, tree, run } = await add((made) => {
      made.git('tag', 'v1')
      made.git('push', '-q', 'origin', 'v1')
    })
    const view = await kept.look(name)
    expect(view).toMatchObject({ defaultBranch: 'main', trees: [{ name: 'main', branch: 'main', changed: 0, unpushed: 0 }] })
    expect(run('status', '--porcelain')).toBe('')
    expect(await kept.pull(name, {})).toMatchObject({ state: 'current', choices: [] })
    const next = repo.commit('second', { 'README.md': 'two\n' })
    expect(await kept.pull(name, {})).toMatchObject({ state: 'updated', choices: [] })
    expect([run('rev-parse', 'HEAD'), readFileSync(join(tree, 'README.md'), 'utf8')]).toEqual([next, 'two\n'])
    const mirror = join(dataDir, 'repos', name, 'mirror.git')
    expect(execFileSync('git', ['-C', mirror, 'for-each-ref', '--format=%(refname)'], { encoding: 'utf8' })).toBe(
      'refs/heads/main\nrefs/tags/v1\n',
    )
  })

  const WAYS: [string, (kept: Kept) => void, Partial<PullView>][] = [
    [
      'local-changes',
      ({ repo, tree }) => {
        repo.commit('second', { 'README.md': 'two\n' })
        writeFileSync(join(tree, 'README.md'), 'mine\n')
        writeFileSync(join(tree, 'new.txt'), 'new\n')
      },
      { message: 'main has moved upstream, and there are 2 changed files here.' },
    ],
    [
      'diverged',
      ({ repo, tree, run }) => {
        repo.commit('second', { 'README.md': 'two\n' })
        writeFileSync(join(tree, 'mine.txt'), 'mine\n')
        run('add', '-A')
        run('commit', '-q', '-m', 'mine')
      },
      { message: 'main has commits here and other ones upstream.' },
    ],
    [
      'force-pushed',
      ({ repo }) => {
        repo.git('commit', '-q', '--amend', '-m', 'rewritten')
        repo.git('push', '-q', '-f', 'origin', 'main')
      },
      {
        message: expect.stringMatching(/^main was rewritten upstream: what it was before \([0-9a-f]{12}\) is no part of it any more\.$/),
      },
    ],
    [
      'default-renamed',
      ({ repo }) => {
        repo.git('checkout', '-q', '-b', 'trunk')
        repo.commit('on trunk', { 'README.md': 'trunk\n' })
        repo.git('--git-dir', repo.bare, 'symbolic-ref', 'HEAD', 'refs/heads/trunk')
        repo.git('push', '-q', 'origin', ':main')
      },
      { message: 'The default branch was main and is trunk now.' },
    ],
  ]
  test.each(WAYS)('%s: said by name with its choices, and nothing is touched without one', async (state, spoil, said) => {
    const one = await add()
    spoil(one)
    const before = [one.run('rev-parse', 'HEAD'), one.run('status', '--porcelain')]
    for (const resolve of [undefined, 'keep'] as const) {
      const found = await kept.pull(one.name, resolve === undefined ? {} : { resolve })
      expect(found).toMatchObject({
        state,
        ...said,
        ...(resolve === undefined ? { choices: ['keep', 'reset', 'branch'] } : { resolved: 'keep' }),
      })
      expect([one.run('rev-parse', 'HEAD'), one.run('status', '--porcelain')]).toEqual(before)
    }
    const branch = state === 'default-renamed' ? 'trunk' : 'main'
    const pulled = await kept.pull(one.name, { resolve: 'branch' })
    expect(pulled).toMatchObject({ state, resolved: 'branch', kept: expect.stringMatching(/^nimbus\/kept-\d{8}-\d{6}$/), branch })
    expect([one.run('rev-parse', 'HEAD'), one.run('status', '--porcelain'), one.run('branch', '--show-current')]).toEqual([
      upstreamHead(one.repo, branch),
      '',
      branch,
    ])
    const files = one.run('ls-tree', '-r', '--name-only', pulled.kept ?? '')
    if (state === 'local-changes') expect(files.split('\n')).toContain('new.txt')
    if (state === 'diverged') expect(files.split('\n')).toContain('mine.txt')
    expect(await kept.pull(one.name, {})).toMatchObject({ state: 'current' })
  })

  test('ref-deleted: a tree on a branch that is gone upstream is kept until somebody decides', async () => {
    const one = await add((repo) => {
      repo.git('checkout', '-q', '-b', 'feature')
      repo.commit('on a branch', { 'f.txt': 'f\n' })
    })
    await kept.addTree(one.name, { tree: 'f', branch: 'feature' })
    one.repo.git('push', '-q', 'origin', ':feature')
    expect(await kept.pull(one.name, { tree: 'f' })).toMatchObject({
      state: 'ref-deleted',
      message: 'The branch feature is no longer there upstream.',
    })
    expect(existsSync(join(dataDir, 'repos', one.name, 'trees', 'f', 'f.txt'))).toBe(true)
    expect(await kept.pull(one.name, { tree: 'f', resolve: 'reset' })).toMatchObject({
      state: 'ref-deleted',
      branch: 'main',
      resolved: 'reset',
    })
  })

  test('clean-up never takes work along: changed files, new files, commits and branches that are nowhere else', async () => {
    const one = await add()
    const spoils: [() => void, () => void][] = [
      [() => writeFileSync(join(one.tree, 'new.txt'), 'new'), () => rmSync(join(one.tree, 'new.txt'))],
      [() => writeFileSync(join(one.tree, 'README.md'), 'mine'), () => one.run('checkout', '-q', '--', '.')],
      [() => one.run('commit', '-q', '--allow-empty', '-m', 'mine'), () => one.run('reset', '-q', '--hard', 'origin/main')],
      [
        () => one.run('update-ref', 'refs/heads/side', one.run('commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'side')),
        () => one.run('update-ref', '-d', 'refs/heads/side'),
      ],
      [
        () => {
          writeFileSync(join(one.tree, 'README.md'), 'stashed')
          one.run('stash', '-q')
        },
        () => one.run('stash', 'drop', '-q'),
      ],
      // What may run a command is not asked whether there is work.
      [() => one.run('config', 'filter.x.clean', 'touch pwned'), () => one.run('config', '--remove-section', 'filter.x')],
    ]
    for (const [spoil, mend] of spoils) {
      spoil()
      await expect(kept.remove(one.name, false)).rejects.toMatchObject({ code: 'repo-has-work', kind: 'refused' })
      expect(existsSync(one.tree)).toBe(true)
      mend()
    }
    await kept.remove(one.name, false)
    expect(existsSync(join(dataDir, 'repos', one.name))).toBe(false)
  })

  test('a full disk share is refused by name, and nothing that is there goes for it', async () => {
    const place = join(dataDir, 'small')
    const fetch = (request: Parameters<Parameters<typeof createKeptRepos>[0]['fetch']>[0]) => fetchInto({ ...request, clock })
    const small = createKeptRepos({ clock, dataDir: place, gitFile: systemGit, onChange: () => {}, fetch, quotaBytes: 500_000 })
    const ended = (name: string) => until(() => small.find(name)?.state !== 'fetching', { what: `the fetch of ${name}`, timeoutMs: 60_000 })
    const one = server.repo('quota-one', { 'noise.bin': randomBytes(100_000) })
    await small.add({ url: one.url })
    await ended('quota-one')
    const work = join(place, 'repos/quota-one/trees/main/mine.txt')
    writeFileSync(work, 'nowhere else')
    const large = server.repo('quota-large', { 'noise.bin': randomBytes(900_000) })
    await small.add({ url: large.url })
    await ended('quota-large')
    expect(small.find('quota-large')).toMatchObject({ state: 'failed', error: expect.stringContaining('sent more than') })
    writeFileSync(join(place, 'repos/quota-one/trees/main/large.txt'), Buffer.alloc(500_000))
    for (const refused of [() => small.pull('quota-one', {}), () => small.addTree('quota-one', { tree: 'more' })])
      await expect(refused()).rejects.toMatchObject({ code: 'repo-quota', kind: 'refused' })
    expect(readFileSync(work, 'utf8')).toBe('nowhere else')
    expect((await small.look('quota-one')).trees).toMatchObject([{ name: 'main', changed: 2 }])
    await small.stop()
  })

  test('git is not run in a tree whose configuration may run a command', async () => {
    const one = await add()
    const marker = join(dataDir, 'pwned')
    for (const [key, value] of [
      ['core.fsmonitor', `touch ${marker}`],
      ['core.worktree', '/'],
      ['include.path', '/etc/passwd'],
      ['filter.x.clean', `touch ${marker}`],
      ['core.sshCommand', `touch ${marker}`],
    ] as const) {
      execFileSync('git', ['config', '--file', join(one.tree, '.git/config'), key, value])
      writeFileSync(join(one.tree, '.gitattributes'), '* filter=x\n')
      await expect(kept.pull(one.name, {})).rejects.toMatchObject({
        code: 'repo-tree-unsafe',
        message: expect.stringContaining(key.toLowerCase()),
      })
      expect((await kept.look(one.name)).trees[0]).toMatchObject({ unsafe: expect.stringContaining('may run a command') })
      execFileSync('git', ['config', '--file', join(one.tree, '.git/config'), '--unset', key])
    }
    expect(existsSync(marker)).toBe(false)
  })

  test('what is refused has a name: another of the same address, an unknown one, a name that is taken', async () => {
    const one = await add()
    await expect(kept.add({ url: one.repo.url, name: 'second' })).rejects.toMatchObject({ code: 'repo-exists' })
    await expect(kept.pull('nothing', {})).rejects.toMatchObject({ code: 'repo-unknown', kind: 'missing' })
    await expect(kept.pull(one.name, { tree: 'nothing' })).rejects.toMatchObject({ code: 'repo-tree-unknown' })
    await expect(kept.addTree(one.name, { tree: 'main' })).rejects.toMatchObject({ code: 'repo-tree-exists' })
    await expect(kept.addTree(one.name, { tree: 'x', branch: 'nothing' })).rejects.toMatchObject({ code: 'repo-ref-not-found' })
    await expect(kept.add({ url: 'ext::sh -c id' })).rejects.toMatchObject({ code: 'repo-url-scheme' })
    const closed = await kept.add({ url: `${server.url}/private/${one.name}.git`, name: 'closed' })
    await until(() => kept.find(closed.name)?.state === 'failed', { what: 'the refusal', timeoutMs: 60_000 })
    expect(kept.find(closed.name)?.error).toContain('asks for credentials')
  })
})
