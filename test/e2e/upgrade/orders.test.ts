// One worker in the background that follows a repository over HTTP and takes signed commits alone; the orders of its operator; and what
// becomes of the node when the process above it is killed.
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { UpgradeView } from '../../../protocols/http/upgrade.ts'
import { createGitServer, type GitServer } from '../../support/git-http.ts'
import { cleanEnv, type CliResult, runCli } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { createOwnRepo, type OwnRepo } from './own-repo.ts'

const PATIENCE_MS = 180_000
let dir: string
let dataDir: string
let server: GitServer
let repo: OwnRepo
const cli = (...args: string[]): Promise<CliResult> => runCli(args, { dataDir })
const status = async (): Promise<UpgradeView> => JSON.parse((await cli('upgrade', 'status', '--json')).stdout) as UpgradeView
const reach = (what: string, condition: (view: UpgradeView) => boolean): Promise<UpgradeView> =>
  until(async () => [await status()].find(condition), { what, timeoutMs: PATIENCE_MS, intervalMs: 300 })
const node = async (): Promise<{ pid: number; http: string }> =>
  JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8')) as { pid: number; http: string }
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false // gone
  }
}
/** Starts the checkout's own program in the background; answers with its exit code. */
const up = (): void =>
  void execFileSync(
    process.execPath,
    [
      repo.place.bin ?? '',
      'up',
      '--detach',
      '--json',
      '--name',
      'box',
      '--http',
      '127.0.0.1:0',
      '--listen',
      '/ip4/127.0.0.1/tcp/0',
      '--follow',
      repo.url,
    ],
    {
      env: cleanEnv({ NIMBUS_DATA: dataDir }),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nimbus-orders-'))
  dataDir = join(dir, 'box')
  await mkdir(dataDir, { mode: 0o700 })
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'ann', '-f', join(dir, 'key')])
  const signers = [(await readFile(join(dir, 'key.pub'), 'utf8')).trim()]
  await writeFile(join(dataDir, 'nimbus.config.json'), JSON.stringify({ upgrade: { policy: 'signed', signers, every: '1s' } }))
  server = await createGitServer()
  repo = createOwnRepo(server, dir)
  up()
}, PATIENCE_MS)
afterAll(async () => {
  await cli('down', '--now')
  await server?.close()
  await rm(dir, { recursive: true, force: true, maxRetries: 5 })
})

test('an unsigned commit is refused; a signed one is taken, at the same address; a roll-back by hand stays', {
  timeout: 3 * PATIENCE_MS,
}, async () => {
  const before = await node()
  repo.commit('not signed', { 'NEXT.md': '1\n' })
  expect((await reach('a refusal', ({ phase }) => phase === 'refused')).reason).toBe('it is not signed')

  await cli('upgrade', 'pause')
  for (const [key, value] of [
    ['gpg.format', 'ssh'],
    ['user.signingkey', join(dir, 'key')],
    ['commit.gpgsign', 'true'],
  ] as const)
    repo.git('config', key, value)
  const signed = repo.commit('signed', { 'NEXT.md': '2\n' })
  await reach('the pause', ({ phase }) => phase === 'paused')
  expect((await status()).running).toBe(repo.first)
  await cli('upgrade', 'resume')
  const done = await reach('the signed commit', ({ phase, running }) => phase === 'done' && running === signed)
  expect(done).toMatchObject({ previous: repo.first, turn: null })
  const after = await node()
  expect(after.http).toBe(before.http)
  expect(after.pid).not.toBe(before.pid)
  expect(isAlive(before.pid)).toBe(false)

  await cli('upgrade', 'rollback')
  const back = await reach('the version before', ({ phase, running }) => phase === 'done' && running === repo.first)
  expect(back.failed).toContainEqual({ commit: signed, reason: 'it was rolled back by hand' })
  await cli('upgrade', 'now')
  await reach('the signed commit again', ({ phase, running }) => phase === 'done' && running === signed)
})

test('the version that was reached is the one that starts next time; a node whose supervisor is killed ends', {
  timeout: PATIENCE_MS,
}, async () => {
  const { running } = await status()
  const { pid } = await node()
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  expect(await readFile(`/proc/${parent}/cmdline`, 'utf8')).toContain(dataDir)
  process.kill(parent, 'SIGKILL')
  await until(() => !isAlive(pid), { what: 'the node to end', timeoutMs: 60_000 })
  up()
  expect((await status()).running).toBe(running)
  expect((await cli('down')).code).toBe(0)
  expect((await cli('status')).code).toBe(5)
})
