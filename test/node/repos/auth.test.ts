// Private repositories read for real: over HTTP with a password, with a token and with a bearer token, over SSH with a key or an
// agent, by both engines. What is wrong is told once; while a clone runs its secret is in no process list, environment or file.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { cloneInto, type CloneRequest } from '../../../node/repos/clone.ts'
import { createGitHttp } from '../../../node/repos/git-http.ts'
import { createGitServer, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { requirement } from '../../support/requirements.ts'
import { startSshd, type Sshd } from '../../support/servers/sshd.ts'
import { until } from '../../support/until.ts'

const CANARY = 'canary-7f3a91c2e5d84b60'
// Each fetch is a process of its own, and there are many.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })
const clock = createSystemClock()
const root = mkdtempSync(join(tmpdir(), 'nimbus-auth-'))
const git = requirement('git')
const sshd = requirement('sshd')
let count = 0
let server: GitServer
let repo: GitRepo

const fresh = (): string => join(root, `clone-${count++}`)
const readme = (dir: string): string => readFileSync(join(dir, 'README.md'), 'utf8')
async function refused(request: Partial<CloneRequest> & { url: string }): Promise<unknown> {
  const dir = fresh()
  const error = await cloneInto({ dir, clock, ...request }).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(existsSync(dir)).toBe(false)
  expect(JSON.stringify([error, String(error), (error as Error).stack])).not.toContain(CANARY)
  return error
}

beforeAll(async () => {
  server = await createGitServer()
  repo = server.repo('project', { 'README.md': 'private\n' })
})
afterAll(async () => {
  await server.close()
  rmSync(root, { recursive: true, force: true })
})

describe.skipIf(!git.present).each(['builtin', 'system'] as const)(git.title('over HTTP, with the %s engine'), (engine) => {
  const basic = (user: string): string => `Basic ${Buffer.from(`${user}:${CANARY}`).toString('base64')}`
  const cases: [string, string, string | undefined, string][] = [
    ['user and password', 'Basic realm="git"', 'ada', basic('ada')],
    ['a token alone', 'Basic realm="GitHub"', undefined, basic('x-access-token')],
    ['a bearer token', 'Bearer realm="forge"', undefined, `Bearer ${CANARY}`],
    ['a server that takes both', 'Bearer realm="a", Basic realm="a"', 'ada', basic('ada')],
  ]
  test.each(cases)('%s', async (_name, challenge, user, expected) => {
    const door = server.door('team', { challenge, accepts: (given) => given === expected })
    const url = `${server.url}/team/project.git`
    const dir = fresh()
    await cloneInto({ url, dir, clock, engine, credential: { name: 'TOKEN', secret: CANARY, ...(user === undefined ? {} : { user }) } })
    expect(readme(dir)).toBe('private\n')
    expect(filesWith(dir, CANARY)).toEqual([])
    expect(readFileSync(join(dir, '.git/config'), 'utf8')).toContain(url)
    expect(door.asked).toBeLessThan(12)
  })

  test('wrong and missing credentials are one clear error each, after two requests at most', async () => {
    const door = server.door('closed', { challenge: 'Basic realm="git"', accepts: () => false })
    const url = `${server.url}/closed/project.git`
    expect(await refused({ url, engine, credential: { name: 'TOKEN', secret: CANARY } })).toMatchObject({
      code: 'repo-credentials-refused',
      kind: 'refused',
      message: expect.stringContaining('refused the secret TOKEN'),
    })
    expect(door.asked).toBe(2)
    expect(await refused({ url, engine })).toMatchObject({
      code: 'repo-needs-credentials',
      cure: expect.stringContaining('nimbus repo auth set'),
    })
    expect(door.asked).toBe(3)
  })

  test('a secret is not shown to a host that does not ask, nor to one that it is redirected to', async () => {
    let shown = ''
    const other = await createGitServer()
    other.repo('project', { 'README.md': 'elsewhere\n' })
    other.door('open', { challenge: '', accepts: (given) => ((shown += given), true) })
    server.door('open', { challenge: '', accepts: (given) => ((shown += given), true) })
    other.door('greedy', { challenge: 'Basic realm="x"', accepts: (given) => ((shown += given), given !== '') })
    const trap = `${server.url}/trap/${encodeURIComponent(`${other.url}/greedy/project.git/info/refs?service=git-upload-pack`)}`
    const credential = { name: 'TOKEN', secret: CANARY }
    await cloneInto({ url: `${server.url}/open/project.git`, dir: fresh(), clock, engine, credential })
    expect(await refused({ url: trap, engine, credential })).toMatchObject({ kind: 'refused' })
    expect(shown).toBe('')
    await other.close()
  })

  test('while the pack is awaited the secret is in no command line, no environment and no file', async () => {
    let release = (): void => {}
    let waits = 0
    const held = new Promise<void>((resolve) => (release = resolve))
    server.door('held', { challenge: 'Basic realm="git"', accepts: (given) => given === basic('ada'), beforePack: () => (waits++, held) })
    const dir = fresh()
    const done = cloneInto({
      url: `${server.url}/held/project.git`,
      dir,
      clock,
      engine,
      credential: { name: 'T', secret: CANARY, user: 'ada' },
    })
    await until(() => waits > 0, { what: 'the request of the pack', timeoutMs: 60_000 })
    const traces = [
      ...processesWith(CANARY),
      ...processesWith(basic('ada').slice(6)),
      ...filesWith(dir, CANARY),
      ...filesWith('/dev/shm', CANARY),
    ]
    release()
    await done
    expect(traces).toEqual([])
    expect(readme(dir)).toBe('private\n')
  })
})

test('a secret is not sent in the clear over a network', async () => {
  const request = { url: 'http://git.example.org/x.git', receivedBytesMax: 1e6, credential: { name: 'TOKEN', secret: CANARY } }
  const shown: unknown[] = []
  vi.stubGlobal('fetch', async (_url: URL, { headers }: RequestInit) => {
    shown.push(headers)
    return new Response('', { status: 401, headers: { 'www-authenticate': 'Basic realm="git"' } })
  })
  try {
    await expect(createGitHttp(request).request({ url: request.url })).rejects.toMatchObject({ code: 'repo-auth-in-clear' })
    expect(shown).toEqual([{}])
  } finally {
    vi.unstubAllGlobals()
  }
})

describe.skipIf(!git.present || !sshd.present)(sshd.title('over SSH'), () => {
  let host: Sshd
  let url: string
  const knownHosts = join(root, 'known_hosts')
  beforeAll(async () => {
    host = await startSshd(sshd.path ?? '')
    url = `ssh://${host.user}@127.0.0.1:${host.port}${repo.bare}`
  })
  afterAll(async () => host?.close())

  test('a key in memory opens it; the host key that is seen first is kept, and another one is refused by name', async () => {
    const dir = fresh()
    const credential = { name: 'KEY', secret: host.key }
    await cloneInto({ url, dir, clock, knownHosts, credential })
    expect(readme(dir)).toBe('private\n')
    expect(filesWith(dir, secretLine(host.key))).toEqual([])
    expect(readFileSync(knownHosts, 'utf8')).toContain(`[127.0.0.1]:${host.port} ssh-ed25519`)
    expect(execFileSync('git', ['-C', dir, 'remote', 'get-url', 'origin'], { encoding: 'utf8' }).trim()).toBe(url)
    await host.changeHostKey()
    expect(await refused({ url, knownHosts, credential })).toMatchObject({
      code: 'repo-host-key',
      message: expect.stringContaining('than the first time'),
    })
    expect(
      await refused({ url, knownHosts, credential: { ...credential, hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA'] } }),
    ).toMatchObject({
      code: 'repo-host-key',
    })
    const pinned = fresh()
    await cloneInto({ url, dir: pinned, clock, knownHosts, credential: { ...credential, hostKeys: [host.hostKey] } })
    expect(readme(pinned)).toBe('private\n')
  })

  test('no key, a wrong key, and what is no key are one clear error each', async () => {
    const hostKeys = [host.hostKey]
    expect(await refused({ url, knownHosts, credential: { hostKeys } })).toMatchObject({ code: 'repo-needs-credentials' })
    const wrong = { name: 'KEY', secret: host.strangerKey, hostKeys }
    expect(await refused({ url, knownHosts, credential: wrong })).toMatchObject({
      code: 'repo-credentials-refused',
      message: expect.stringContaining('the key of the secret KEY'),
    })
    expect(await refused({ url, knownHosts, credential: { name: 'KEY', secret: CANARY } })).toMatchObject({
      code: 'repo-credentials-unusable',
    })
    expect(await refused({ url, engine: 'builtin', credential: wrong })).toMatchObject({ code: 'repo-ssh-needs-git' })
    expect(
      await refused({
        url: url.replace(/project\.git$/, 'nothing.git'),
        knownHosts,
        credential: { name: 'KEY', secret: host.key, hostKeys },
      }),
    ).toMatchObject({
      code: 'repo-not-found',
    })
  })

  test("the worker's own agent opens it where that is asked for; nothing of a clone stays behind", async () => {
    const socket = join(root, 'agent')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] })
    await until(() => existsSync(socket), { what: 'the agent' })
    execFileSync('ssh-add', ['-q', '-'], { input: host.key, env: { ...process.env, SSH_AUTH_SOCK: socket } })
    const dir = fresh()
    await cloneInto({ url, dir, clock, knownHosts, credential: { agentSocket: socket, hostKeys: [host.hostKey] } })
    agent.kill('SIGKILL')
    expect(readme(dir)).toBe('private\n')
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('nimbus-ssh-'))).toEqual([])
  })
})

/** Processes that show the text in their command line or environment. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').flatMap((pid) =>
    ['cmdline', 'environ'].flatMap((part) => {
      try {
        return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/${part}`, 'latin1').includes(text) ? [`${pid}/${part}`] : []
      } catch {
        return [] // it has ended, or is none of ours
      }
    }),
  )
}

function filesWith(dir: string, text: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const path = join(entry.parentPath, entry.name)
    return entry.isFile() && readFileSync(path, 'latin1').includes(text) ? [path] : []
  })
}

function secretLine(key: string): string {
  return key.split('\n')[2] ?? key
}
