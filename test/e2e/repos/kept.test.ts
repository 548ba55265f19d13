// A repository that a worker keeps, through the CLI: the worker is killed three times while it fetches, and it is there in the end, with
// progress in the CLI and in events; tasks then take it from the mirror.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RepoView } from '../../../protocols/http/repos.ts'
import { createGitServer, type Door, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { PATIENCE_MS, report } from '../promises/promise-mesh.ts'

const git = requirement('git')
const KILLS = 3
const SLOW_BYTES_PER_SECOND = 700_000

describe.skipIf(!git.present)(git.title('a repository that is kept'), () => {
  let server: GitServer
  let repo: GitRepo
  let door: Door
  let mesh: RealMesh
  let node: RealNode
  let url: string

  beforeAll(async () => {
    server = await createGitServer()
    repo = server.repo('app', { 'README.md': 'one\n', 'large.bin': randomBytes(3_000_000) })
    for (let index = 0; index < 5; index++) repo.commit(`commit ${index}`, { 'noise.bin': randomBytes(400_000), 'README.md': `${index}\n` })
    door = server.door('slow', { challenge: '', accepts: () => true })
    url = `${server.url}/slow/app.git`
    mesh = await createRealMesh()
    node = await mesh.add('here')
  })
  afterAll(async () => {
    await mesh?.close()
    await server?.close()
  })
  const look = async (): Promise<RepoView> => (await node.api<RepoView>('/api/repos/app')).body

  test('killed three times while it fetches, it goes on by itself at each start and is whole in the end', async () => {
    door.bytesPerSecond = SLOW_BYTES_PER_SECOND
    const { status } = await node.api('/api/repos', { body: { url } })
    expect(status).toBe(202)
    const seen: Record<string, number> = {}
    for (let kill = 1; kill <= KILLS; kill++) {
      const at = await until(
        async () => {
          const { state, progress } = await look()
          expect(state).toBe('fetching')
          return progress?.phase === 'Receiving objects' && (progress.bytes ?? 0) > 300_000 ? progress : undefined
        },
        { what: `a fetch that is under way before kill ${kill}`, timeoutMs: PATIENCE_MS },
      )
      expect(at).toMatchObject({ total: expect.any(Number), percent: expect.any(Number), bytesPerSecond: expect.any(Number) })
      seen[`kill ${kill} at bytes`] = at.bytes ?? 0
      await node.kill()
      await node.restart()
    }
    const events = await follow(node)
    delete door.bytesPerSecond
    const done = await until(async () => (({ state }) => (state === 'ready' ? look() : undefined))(await look()), {
      what: 'the whole repository',
      timeoutMs: PATIENCE_MS,
    })
    report('repo add, killed three times', { ...seen, 'bytes of the mirror': done.bytes ?? 0 })
    const mirror = join(node.dataDir, 'repos/app/mirror.git')
    const run = (...args: string[]): string => execFileSync('git', ['-C', mirror, ...args], { encoding: 'utf8' }).trim()
    expect(run('rev-list', '--count', 'main')).toBe('6')
    expect(run('fsck', '--full', '--strict')).toBe('')
    expect(run('rev-parse', 'main')).toBe(repo.git('rev-parse', 'main').trim())
    expect(readFileSync(join(node.dataDir, 'repos/app/trees/main/README.md'), 'utf8')).toBe('4\n')
    const told = events.stop()
    expect(told.some(({ progress }) => (progress?.bytes ?? 0) > 0)).toBe(true)
    expect(told.at(-1)?.state).toBe('ready')
  })

  test('add waits and tells how it goes; show, ls, pull and rm speak plainly', async () => {
    const other = server.repo('other', { 'README.md': 'x\n', 'large.bin': randomBytes(2_000_000) })
    door.bytesPerSecond = 1_000_000
    const added = await node.cli('repo', 'add', `${server.url}/slow/other.git`)
    delete door.bytesPerSecond
    expect([added.code, added.stdout]).toEqual([0, expect.stringMatching(/state\s+ready/)])
    expect(added.stderr).toMatch(/nimbus: Receiving objects: \d+ of \d+, [\d.]+ [kM]?B/)
    expect((await node.cli('repo', 'ls')).stdout).toMatch(/^app .*\n?other /m)
    other.commit('next', { 'README.md': 'y\n' })
    expect((await node.cli('repo', 'pull', 'other')).stdout).toBe('updated: main moved forward.\n')
    const shown = JSON.parse((await node.cli('repo', 'show', 'other', '--json')).stdout) as RepoView
    const tree = shown.trees[0]?.dir ?? ''
    execFileSync('sh', ['-c', 'echo mine > README.md'], { cwd: tree })
    other.commit('more', { 'README.md': 'z\n' })
    const pulled = await node.cli('repo', 'pull', 'other')
    expect([pulled.code, pulled.stdout]).toEqual([
      1,
      expect.stringContaining('local-changes: main has moved upstream, and there are 1 changed file here.'),
    ])
    expect(pulled.stdout).toContain('nimbus repo pull other --resolve branch')
    const removed = await node.cli('repo', 'rm', 'other')
    expect([removed.code, removed.stderr]).toEqual([4, expect.stringContaining('1 changed files')])
    expect((await node.cli('repo', 'rm', 'other', '--discard')).code).toBe(0)
  })

  test('a task in a kept repository takes it from the mirror: only what is new crosses the network', async () => {
    const run = () => node.cli('task', 'run', '--repo', url, '--', 'sh', '-c', 'cat README.md; git rev-parse HEAD; cat .git/config')
    expect((await run()).code).toBe(0)
    const sent = door.sent
    repo.commit('later', { 'README.md': 'later\n' })
    const done = await run()
    expect([done.code, done.stdout]).toEqual([0, expect.stringMatching(/^later\n[0-9a-f]{40}\n/)])
    expect(done.stdout).toContain(url)
    report('task run --repo of a kept repository of 5 MB', { 'bytes over the network': door.sent - sent })
    expect(door.sent - sent).toBeLessThan(100_000)
  })

  test('what a clone lacks is said by repo add and pull, at the end of a task or build, and in its view', async () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 5000000\n`
    const lacking = server.repo('lacking', {
      Makefile: 'all:\n\techo built > out.txt\n',
      'a.bin': pointer,
      '.gitmodules': '[submodule "lib"]\n\tpath = lib\n\turl = ../lib.git\n',
    })
    const lfs = /1 file is an LFS pointer and not the content \(5(\.0)? MB\), .*"a\.bin"\. .*git lfs pull/
    const module = /1 submodule is not fetched, .*"lib"\. .*--submodules .*git submodule update --init/
    const added = await node.cli('repo', 'add', lacking.url)
    expect([added.code, added.stdout]).toEqual([0, expect.stringMatching(lfs)])
    expect(added.stdout).toMatch(module)
    expect((await node.cli('repo', 'pull', 'lacking')).stdout).toMatch(lfs)
    for (const [command, code] of [
      ['true', 0],
      ['false', 1],
    ] as const) {
      const done = await node.cli('task', 'run', '--name', `lacks ${command}`, '--repo', lacking.url, '--', command)
      expect([done.code, done.stderr]).toEqual([code, expect.stringMatching(lfs)])
      expect(done.stderr).toMatch(module)
    }
    const { body } = await node.api<{ items: { id: string; spec: { name?: string } }[] }>('/api/tasks')
    const id = body.items.find(({ spec }) => spec.name === 'lacks true')?.id ?? ''
    expect((await node.cli('task', 'show', id)).stdout).toMatch(lfs)
    expect((await node.api<{ result: unknown }>(`/api/tasks/${id}`)).body.result).toMatchObject({
      notes: [expect.stringMatching(lfs), expect.stringMatching(module)],
    })
    const built = await node.cli('task', 'run', '--kind', 'build', '--repo', lacking.url)
    expect(built.stderr).toMatch(lfs)
    const builds = await node.api<{ items: { id: string }[] }>('/api/builds')
    expect((await node.cli('build', 'show', builds.body.items[0]?.id ?? '')).stdout).toMatch(lfs)
    const lib = server.repo('lib', { 'lib.txt': 'inside\n' })
    lacking.git('update-index', '--add', '--cacheinfo', `160000,${lib.git('rev-parse', 'HEAD').trim()},lib`)
    lacking.git('commit', '-q', '-m', 'a submodule')
    lacking.git('push', '-q', 'origin', 'HEAD')
    const full = await node.cli('task', 'run', '--repo', lacking.url, '--submodules', '--', 'cat', 'lib/lib.txt')
    expect([full.code, full.stdout, full.stderr]).toEqual([0, 'inside\n', expect.not.stringMatching(/submodule is/)])
    const clean = await node.cli('task', 'run', '--repo', repo.url, '--', 'true')
    expect([clean.code, clean.stderr]).toEqual([0, expect.not.stringMatching(/LFS|submodule/)])
  })
})

/** Events of kept repositories, as they come. */
async function follow(node: RealNode): Promise<{ stop(): RepoView[] }> {
  const abort = new AbortController()
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${node.token}` }
  const response = await fetch(`${node.ready.http}/api/events?types=repo.updated`, { headers, signal: abort.signal })
  let text = ''
  const read = async (): Promise<void> => {
    for await (const piece of response.body ?? []) text += Buffer.from(piece).toString()
  }
  read().catch(() => {}) // it ends with the test
  return {
    stop() {
      abort.abort()
      return text.split('\n').flatMap((line) => (line.startsWith('data:') ? [(JSON.parse(line.slice(5)) as { data: RepoView }).data] : []))
    },
  }
}
