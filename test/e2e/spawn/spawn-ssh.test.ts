// `nimbus spawn --on ssh://…`: a worker on another machine, which has an address, a home and an SSH server of its own, and nothing of ours.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetLab } from '../../lab/net-lab.ts'
import { createNetLab } from '../../lab/net-lab.ts'
import type { CliResult, RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh, runCli } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'

const root = requirement('root')
const sshd = requirement('sshd')
type Spawned = { workers: { name: string; peerId: string; pid: number; dataDir: string }[] }
const PORT = 2222
/** A hundred megabytes are packed, sent and unpacked, perhaps on a busy machine. */
const SPAWN_MS_MAX = 200_000
const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

describe.skipIf(!root.present || !sshd.present)(sshd.title(root.title('spawn over SSH')), () => {
  let dir: string
  let home: string
  let lab: NetLab
  let mesh: RealMesh
  let box: RealNode
  let server: ChildProcess | undefined
  let host: string
  const pids: number[] = []

  const keygen = (name: string): void => void execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, name)])
  /** In the namespace of the other machine, with a home of its own. */
  const startServer = async (path: string): Promise<void> => {
    await stopServer()
    const settings = ['UsePAM=no', 'StrictModes=no', 'PasswordAuthentication=no', 'KbdInteractiveAuthentication=no', 'PidFile=none']
    const files = [`HostKey=${join(dir, 'host')}`, `AuthorizedKeysFile=${join(dir, 'user.pub')}`, `SetEnv=HOME=${home} PATH=${path}`]
    const options = [...settings, ...files, `ListenAddress=${host}`, `Port=${PORT}`].flatMap((one) => ['-o', one])
    const [command = '', ...words] = [...(lab.places[1]?.run ?? []), sshd.path ?? '', '-D', '-e', '-f', '/dev/null', ...options]
    server = spawn(command, words, { stdio: 'ignore' })
    await until(() => canConnect(host), { what: 'the SSH server', timeoutMs: 60_000 })
    expect(server.exitCode).toBe(null)
  }
  /** Waits for its end: until then it still answers on the port of the next one. */
  const stopServer = async (): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const gone = once(server, 'exit')
    server.kill('SIGKILL')
    await gone
  }
  const spawnThere = (...options: string[]): Promise<CliResult> => {
    const args = [
      'spawn',
      '--on',
      `ssh://${userInfo().username}@${host}:${PORT}`,
      ...options,
      '--known-hosts',
      join(dir, 'known'),
      '--json',
    ]
    return runCli(args, { dataDir: box.dataDir, bin: join(dir, 'program', 'node', 'nimbus.js'), timeoutMs: SPAWN_MS_MAX })
  }
  const known = (key: string): void =>
    writeFileSync(join(dir, 'known'), `[${host}]:${PORT} ${readFileSync(join(dir, `${key}.pub`), 'utf8')}`)

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'nimbus-ssh-'))
    chmodSync(dir, 0o755)
    home = join(dir, 'home')
    mkdirSync(home)
    copyProgram(join(dir, 'program'))
    mkdirSync('/run/sshd', { recursive: true })
    for (const name of ['host', 'user', 'stranger', 'other']) keygen(name)
    lab = createNetLab(2)
    host = lab.places[1]?.http.replace(/:\d+$/, '') ?? ''
    await startServer(process.env['PATH'] ?? '')
    mesh = await createRealMesh()
    box = await mesh.add('box', ['--skill', 'gpu', '--label', 'zone=a', '--slots', '3'], lab.places[0])
  }, 120_000)
  afterAll(async () => {
    for (const pid of pids) if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
    await stopServer()
    await mesh?.close()
    lab?.close()
    if (dir !== undefined) await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })

  test('a host that is not known, one that has changed and a key that is not let in are told apart', { timeout: 300_000 }, async () => {
    writeFileSync(join(dir, 'known'), '')
    const unknown = await spawnThere('--identity', join(dir, 'user'))
    expect([unknown.code, unknown.stderr]).toEqual([4, expect.stringContaining('its host key is not known')])
    expect(unknown.stderr).toContain('--accept-new')
    known('other')
    const changed = await spawnThere('--identity', join(dir, 'user'), '--accept-new')
    expect([changed.code, changed.stderr]).toEqual([4, expect.stringContaining('its host key is not the one that is known')])
    known('host')
    const stranger = await spawnThere('--identity', join(dir, 'stranger'))
    expect([stranger.code, stranger.stderr]).toEqual([4, expect.stringContaining('it lets none of the keys in')])
    const away = await box.cli('spawn', '--on', `ssh://${host}:1`, '--known-hosts', join(dir, 'known'))
    expect([away.code, away.stderr]).toEqual([5, expect.stringContaining('it cannot be reached')])
    const injected = await box.cli('spawn', '--on', 'ssh://-oProxyCommand=touch@x')
    expect(injected.code).toBe(2)
    expect(readdirSync(home)).toEqual([])
  })

  test('a machine with nothing of ours becomes a worker like this one', {
    timeout: 300_000,
  }, async () => {
    const startedMs = performance.now()
    const { code, stdout, stderr } = await spawnThere('--identity', join(dir, 'user'))
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(/sending the program, [\d.]+ MB\n/) })
    const [worker] = (JSON.parse(stdout) as Spawned).workers
    pids.push(worker?.pid ?? 0)
    console.log(`spawn over SSH: ready after ${((performance.now() - startedMs) / 1000).toFixed(1)} s; ${stderr.split('\n')[0]}`)
    await until(async () => (await box.mesh()).members.filter(({ state }) => state === 'alive').length === 2, {
      what: 'two workers',
      timeoutMs: 90_000,
    })
    const member = (await box.mesh()).members.find(({ peerId }) => peerId === worker?.peerId)
    expect(member).toMatchObject({ name: worker?.name, skills: ['gpu'], labels: { zone: 'a' }, slots: 3 })
    expect(worker?.dataDir.startsWith(home)).toBe(true)
    const inode = (pid: number | string): number => statSync(`/proc/${pid}/ns/net`).ino
    expect(inode(worker?.pid ?? 0), 'it runs on the other machine').not.toBe(inode('self'))
    const line = await readFile(`/proc/${worker?.pid}/cmdline`, 'utf8')
    expect(line).toContain(join(home, '.nimbus-product'))
    expect(line, 'the invite').not.toContain('nim1-')
    const run = await box.cli('task', 'run', '--worker', worker?.name ?? '', '--', 'sh', '-c', 'echo $NIMBUS_WORKER')
    expect(run).toMatchObject({ code: 0, stdout: `${worker?.name}\n` })
  })

  test('what was damaged on the way is refused, what was cut off is finished, and a machine without Node gets ours', {
    timeout: 500_000,
  }, async () => {
    const product = join(home, '.nimbus-product')
    const [hash = ''] = readdirSync(product)
    const packs = join(box.dataDir, 'packs')
    const pack = readFileSync(join(packs, readdirSync(packs).find((name) => name.endsWith('.tgz')) ?? ''))
    await rm(join(product, hash), { recursive: true })
    pack[1000] = (pack[1000] ?? 0) ^ 1
    writeFileSync(join(product, `${hash}.part`), pack)
    const damaged = await spawnThere('--identity', join(dir, 'user'))
    expect([damaged.code, damaged.stderr]).toEqual([1, expect.stringContaining('what arrived is not what was sent')])
    expect(readdirSync(product)).toEqual([])
    pack[1000] = (pack[1000] ?? 0) ^ 1
    writeFileSync(join(product, `${hash}.part`), pack.subarray(0, -100_000))
    await startServer(toolsWithoutNode(dir))
    const { code, stdout, stderr } = await spawnThere('--identity', join(dir, 'user'))
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining(`${host} has no Node 24; this one's goes there`) })
    expect(stderr, 'only the rest is sent').toMatch(/sending the program, 100 kB \(.* are there already\)/)
    const [worker] = (JSON.parse(stdout) as Spawned).workers
    pids.push(worker?.pid ?? 0)
    expect(await readFile(`/proc/${worker?.pid}/cmdline`, 'utf8')).toMatch(new RegExp(`^${product}/node-[0-9a-f]{64}\\0`))
  })
})

/** What is sent is told apart by its files: these stay as they are, whatever becomes of the ones that are worked on. */
function copyProgram(to: string): void {
  for (const name of ['node', 'protocols', 'web/dist', 'package.json', 'package-lock.json'])
    if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(to, name), { recursive: true, preserveTimestamps: true })
  symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'))
}

/** A PATH with the few words of a plain system. */
function toolsWithoutNode(dir: string): string {
  const bin = join(dir, 'bin')
  mkdirSync(bin, { recursive: true })
  for (const tool of ['sh', 'uname', 'wc', 'mkdir', 'cat', 'mv', 'chmod', 'git', 'env']) {
    const at = execFileSync('which', [tool], { encoding: 'utf8' }).trim()
    execFileSync('ln', ['-sf', at, join(bin, tool)])
  }
  return bin
}

function canConnect(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(PORT, host)
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}
