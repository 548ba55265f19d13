// The first five minutes in a fresh clone: `npm start`, `npx nimbus`, and an end that finishes what runs.
import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cleanEnv, runCli, startRealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'

const REPOSITORY = join(import.meta.dirname, '../../..')
const run = promisify(execFile)

let folder: string
let copy: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nimbus-first-'))
  copy = join(folder, 'clone')
  for (const part of ['package.json', 'node', 'protocols', 'web']) await cp(join(REPOSITORY, part), join(copy, part), { recursive: true })
  await symlink(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'))
})
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

/** As in a person's shell: their own Node first, nothing that `npm test` put before it, a home without a data folder. */
function shellEnv(): Record<string, string> {
  const path = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((entry) => !entry.includes('node_modules') && !entry.includes('node-gyp-bin'))
  const env = cleanEnv({
    PATH: path.join(delimiter),
    HOME: join(folder, 'home'),
    NIMBUS_HTTP: '127.0.0.1:0',
    NIMBUS_LISTEN: '/ip4/127.0.0.1/tcp/0',
  })
  return Object.fromEntries(Object.entries(env).filter(([key]) => !key.startsWith('npm_')))
}

function outputOf(child: ChildProcess): { text: string } {
  const seen = { text: '' }
  child.stdout?.on('data', (piece) => (seen.text += String(piece)))
  child.stderr?.on('data', (piece) => (seen.text += String(piece)))
  return seen
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => (child.exitCode !== null ? resolve(child.exitCode) : child.once('exit', (code) => resolve(code))))

describe('in a fresh clone', () => {
  test('npm start prints the ready line and the link, and the page answers', async () => {
    const { stdout: version } = await run('node', ['--version'], { env: shellEnv() })
    const start = performance.now()
    const child = spawn('npm', ['start'], { cwd: copy, env: shellEnv(), stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const output = outputOf(child)
    try {
      const [, origin = ''] = await until(() => /^ready \S+ (http:\/\/127\.0\.0\.1:\d+) \(mesh \w+, peer \w+\)$/m.exec(output.text), {
        what: 'the ready line',
        timeoutMs: 40_000,
      })
      console.info(
        `npm start, with ${version.trim()} as the machine's own node: ready after ${((performance.now() - start) / 1000).toFixed(1)} s`,
      )
      expect(output.text).toMatch(/^sign in: http:\/\/127\.0\.0\.1:\d+\/sign-in\?code=\S+ \(once/m)
      const page = await fetch(origin, { headers: { accept: 'text/html' } })
      expect(await page.text()).toContain('<title>Nimbus')
      expect((await stat(join(folder, 'home/.nimbus'))).mode & 0o777).toBe(0o700)
      expect((await stat(join(folder, 'home/.nimbus/token'))).mode & 0o777).toBe(0o600)
      const { pid } = JSON.parse(await readFile(join(folder, 'home/.nimbus/node.json'), 'utf8')) as { pid: number }
      process.kill(pid, 'SIGTERM')
      await ended(child)
    } finally {
      if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }
  })

  test('npx nimbus runs the command of this clone, whatever Node the machine has', async () => {
    const { stdout } = await run('npx', ['nimbus', 'version'], { cwd: copy, env: shellEnv() })
    expect(stdout).toMatch(/^nimbus \d+\.\d+\.\d+ \(node 2[4-9]\./)
    const direct = await run('node', ['node/nimbus.js', 'version', '--json'], { cwd: copy, env: shellEnv() })
    expect(JSON.parse(direct.stdout)).toMatchObject({ version: expect.any(String) })
  })
})

describe('a node in the background', () => {
  test('up --detach comes back when it is ready; down ends it', async () => {
    const dataDir = join(folder, 'background')
    const up = await runCli(['up', '--detach', '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0', '--json'], { dataDir })
    expect(up.stderr).toBe('')
    const ready = JSON.parse(up.stdout) as { pid: number; http: string }
    expect((await runCli(['status'], { dataDir })).code).toBe(0)
    const down = await runCli(['down'], { dataDir })
    expect(down).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Stopped after /) })
    expect(() => process.kill(ready.pid, 0)).toThrow('ESRCH')
    expect((await runCli(['down'], { dataDir })).code).toBe(5)
  })
})

describe('SIGTERM', () => {
  test('drains: what runs is finished, then the node ends with 0', async () => {
    const node = await startRealNode(join(folder, 'draining'), 'draining', [])
    try {
      const id = (await node.cli('task', 'publish', '--json', '--', 'sh', '-c', 'sleep 2; echo finished')).stdout
      const task = (JSON.parse(id) as { id: string }).id
      await until(async () => (await node.task(task)).state === 'running', { what: 'the task to run' })
      expect(await node.stop()).toBe(0)
      await node.restart()
      expect(await node.task(task)).toMatchObject({ state: 'succeeded', result: { tail: 'finished\n' } })
    } finally {
      await node.kill()
    }
  })
})
