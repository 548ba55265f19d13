// Clones from nearby: of a repository that another member keeps, only the word of its server crosses the network; what it says goes before
// what members have; who may not read a repository is not given it by anybody; with the server gone, the newest known is used and said.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGitServer, type Door, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { createRealMesh, runCli, type CliResult, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { report } from '../promises/promise-mesh.ts'

const git = requirement('git')
const LARGE = 2_000_000
/** What the server says of its refs, and a little of a pack. */
const WORDS = 50_000
const SECRET = 'canary-2b7e151628aed2a6'

describe.skipIf(!git.present)(git.title('clones from nearby'), () => {
  let server: GitServer
  let app: GitRepo
  let open: Door
  let closed: Door
  let mesh: RealMesh
  let box: RealNode
  let attic: RealNode
  let url = ''
  let secretUrl = ''
  let vaultUrl = ''

  const must = async (node: RealNode, ...args: string[]): Promise<CliResult> => {
    const done = await node.cli(...args)
    expect(done, `${args.join(' ')}: ${done.stderr}`).toMatchObject({ code: 0 })
    return done
  }
  const run = (address: string, ...flags: string[]): Promise<CliResult> =>
    box.cli(
      'task',
      'run',
      '--worker',
      'attic',
      '--repo',
      address,
      ...flags,
      '--',
      'sh',
      '-c',
      'cat README.md; git rev-parse HEAD; git remote get-url origin',
    )
  const headOf = (repo: GitRepo): string => repo.git('rev-parse', 'HEAD').trim()
  /** What the door sent while this was done. */
  const sentFor = async <Result>(door: Door, work: () => Promise<Result>): Promise<[Result, number]> => {
    const before = door.sent
    const result = await work()
    return [result, door.sent - before]
  }

  /** The same, again where a member was too busy to answer in time: the server is asked then, and that is right. */
  const cheaply = async (door: Door, work: () => Promise<CliResult>): Promise<readonly [CliResult, number]> => {
    for (let tries = 1; ; tries++) {
      const [done, sent] = await sentFor(door, work)
      if (sent < WORDS || done.code !== 0 || tries === 4) return [done, sent]
    }
  }

  beforeAll(async () => {
    server = await createGitServer()
    app = server.repo('app', { 'README.md': 'one\n', 'large.bin': randomBytes(LARGE) })
    app.git('tag', 'v1')
    app.git('push', '-q', 'origin', 'v1')
    open = server.door('open', { challenge: '', accepts: () => true })
    closed = server.door('team', {
      challenge: 'Basic realm="git"',
      accepts: (given) => given === `Basic ${Buffer.from(`ada:${SECRET}`).toString('base64')}`,
    })
    server.door('vault', closed)
    vaultUrl = `${server.url}/vault/app.git`
    url = `${server.url}/open/app.git`
    secretUrl = `${server.url}/team/app.git`
    mesh = await createRealMesh()
    box = await mesh.add('box')
    attic = await mesh.add('attic')
    await mesh.settled()
    await must(box, 'repo', 'add', url)
  }, 180_000)
  afterAll(async () => {
    await mesh?.close()
    await server?.close()
  })

  test('the server is asked what there is, the member that keeps it for the objects; what is newer comes from the server', async () => {
    const [done, sent] = await cheaply(open, () => run(url))
    expect([done.code, done.stdout]).toEqual([0, `one\n${headOf(app)}\n${url}\n`])
    const [tagged, sentTagged] = await cheaply(open, () => run(url, '--ref', 'v1', '--depth', '2', '--sparse', 'large.bin'))
    expect([tagged.code, tagged.stdout]).toEqual([0, `one\n${headOf(app)}\n${url}\n`])
    expect(sent).toBeLessThan(WORDS)
    expect(sentTagged).toBeLessThan(WORDS)
    app.commit('two', { 'README.md': 'two\n' })
    const [newer, sentNewer] = await sentFor(open, () => run(url))
    expect([newer.code, newer.stdout]).toEqual([0, `two\n${headOf(app)}\n${url}\n`])
    expect(newer.stderr).not.toMatch(/could not be asked/)
    expect(sentNewer).toBeGreaterThan(LARGE)
    report('task run --repo of 2 MB that another member keeps, bytes from the server', { same: sent, tag: sentTagged, newer: sentNewer })
  })

  test('one that its server shows to nobody unasked goes only to a member that may open the secret of its place', async () => {
    const set = await runCli(['secret', 'set', 'TEAM', '--worker', 'box'], { dataDir: box.dataDir, input: SECRET })
    expect(set, set.stderr).toMatchObject({ code: 0 })
    await must(box, 'repo', 'auth', 'set', `${server.url.replace('http://', '')}/team`, '--secret', 'TEAM', '--user', 'ada')
    await must(box, 'repo', 'add', secretUrl, '--name', 'secret')
    // That of the other place stays with box alone.
    await runCli(['secret', 'set', 'VAULT', '--worker', 'box'], { dataDir: box.dataDir, input: SECRET })
    await must(box, 'repo', 'auth', 'set', `${server.url.replace('http://', '')}/vault`, '--secret', 'VAULT', '--user', 'ada')
    await must(box, 'repo', 'add', vaultUrl, '--name', 'vault')
    for (const ref of [[], ['--ref', headOf(app)]]) {
      const refused = await run(secretUrl, ...ref)
      expect([refused.code, refused.stdout, refused.stderr]).toEqual([125, '', expect.stringContaining('may not open the secret TEAM')])
    }
    await must(box, 'secret', 'grant', 'TEAM', '--worker', 'attic')
    await until(async () => (await run(secretUrl)).code === 0, { what: 'the grant at the member', timeoutMs: 60_000, intervalMs: 500 })
    const [{ stdout: done }, sent] = await cheaply(closed, () => run(secretUrl))
    expect(done).toBe(`two\n${headOf(app)}\n${secretUrl}\n`)
    expect(sent).toBeLessThan(WORDS)
  })

  test('a repository that the mesh hosts gives its objects to a clone from elsewhere', async () => {
    const other = server.repo('other', { 'README.md': 'hosted\n', 'large.bin': randomBytes(LARGE) })
    await must(box, 'repo', 'host', 'copy', '--from', other.work)
    const address = `${server.url}/open/other.git`
    const [done, sent] = await cheaply(open, () => run(address))
    expect([done.code, done.stdout]).toEqual([0, `hosted\n${headOf(other)}\n${address}\n`])
    expect(sent).toBeLessThan(WORDS)
  })

  test('what a member gives that is damaged does not count: the server gives it', async () => {
    await must(box, 'repo', 'fetch', 'app')
    const packs = join(box.dataDir, 'repos', 'app', 'mirror.git', 'objects', 'pack')
    const spoilt = readdirSync(packs).filter((name) => name.endsWith('.pack'))
    for (const name of spoilt) truncateSync(join(packs, name), 1_000)
    const [done, sent] = await sentFor(open, () => run(url))
    expect([done.code, done.stdout]).toEqual([0, `two\n${headOf(app)}\n${url}\n`])
    expect(sent).toBeGreaterThan(LARGE)
    await must(box, 'repo', 'rm', 'app', '--discard')
    await must(box, 'repo', 'add', url)
  })

  test('a member that begins to keep it takes it from the one that does, whole', async () => {
    const [, sent] = await cheaply(open, async () => {
      await attic.cli('repo', 'rm', 'app')
      return must(attic, 'repo', 'add', url)
    })
    const mirror = join(attic.dataDir, 'repos', 'app', 'mirror.git')
    const inside = (...args: string[]): string => execFileSync('git', ['-C', mirror, ...args], { encoding: 'utf8' }).trim()
    expect([inside('fsck', '--full', '--strict'), inside('rev-parse', 'main'), inside('rev-list', '--count', '--all')]).toEqual([
      '',
      headOf(app),
      '2',
    ])
    expect(sent).toBeLessThan(WORDS)
    await must(attic, 'repo', 'rm', 'app')
  })

  test('with the server gone, the newest that a member knows is used and said; what nobody knows is not made up', async () => {
    const head = headOf(app)
    await server.close()
    const given = (address: string): Promise<CliResult> =>
      until(
        async () => {
          const result = await run(address)
          return result.code === 0 ? result : undefined
        },
        { what: `what a member knows of ${address}`, timeoutMs: 120_000 },
      )
    const done = await given(url)
    expect(done.stdout).toBe(`two\n${head}\n${url}\n`)
    expect(done.stderr).toMatch(
      /The server of the repository could not be asked \(.+\): this is what box had of it at 20\d\d-.* UTC, commit/,
    )
    // The worker that keeps it as well.
    const own = await box.cli('task', 'run', '--worker', 'box', '--repo', url, '--ref', 'v1', '--', 'cat', 'README.md')
    expect([own.code, own.stdout]).toEqual([0, 'one\n'])
    expect(own.stderr).toContain('could not be asked')
    // What only some may have, only some are given, also where nobody is left who could refuse it.
    expect((await given(secretUrl)).stdout).toBe(`two\n${head}\n${secretUrl}\n`)
    for (const flags of [[], ['--ref', head]]) {
      const kept = await run(vaultUrl, ...flags)
      expect([kept.code, kept.stdout, kept.stderr]).toEqual([125, '', expect.stringContaining('cannot be reached')])
    }
    const unknown = await run(url, '--ref', 'no-such-branch')
    expect([unknown.code, unknown.stderr]).toEqual([125, expect.stringContaining('cannot be reached')])
    const nobody = await run(`${server.url}/open/other-place.git`)
    expect([nobody.code, nobody.stderr]).toEqual([125, expect.stringContaining('cannot be reached')])
  })
})
