// A real SSH server on loopback for tests: one user (the one who runs the tests), one key, its own host key, no password.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { until } from '../until.ts'

export type Sshd = {
  port: number
  user: string
  /** The private key that is let in, and one that is not. */
  key: string
  strangerKey: string
  /** As in a file of known hosts, without the host. */
  hostKey: string
  /** What the server said. */
  log(): string
  /** Starts again, on the same port, with another host key. */
  changeHostKey(): Promise<void>
  close(): Promise<void>
}

/** @param sshd the program */
export async function startSshd(sshd: string): Promise<Sshd> {
  const dir = mkdtempSync(join(tmpdir(), 'nimbus-sshd-'))
  chmodSync(dir, 0o755)
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true })
  const keygen = (name: string): string => {
    rmSync(join(dir, name), { force: true })
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, name)])
    return readFileSync(join(dir, name), 'utf8')
  }
  const port = await freePort()
  const key = keygen('user')
  const strangerKey = keygen('stranger')
  let log = ''
  let child: ChildProcess
  const start = async (): Promise<void> => {
    keygen('host')
    writeFileSync(join(dir, 'authorized_keys'), readFileSync(join(dir, 'user.pub')))
    const settings = ['UsePAM=no', 'StrictModes=no', 'PasswordAuthentication=no', 'KbdInteractiveAuthentication=no', 'MaxStartups=100']
    const files = [`HostKey=${join(dir, 'host')}`, `AuthorizedKeysFile=${join(dir, 'authorized_keys')}`, 'PidFile=none']
    const options = [...settings, ...files, 'ListenAddress=127.0.0.1', `Port=${port}`].flatMap((one) => ['-o', one])
    child = spawn(sshd, ['-D', '-e', '-f', '/dev/null', ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr?.on('data', (piece) => (log += String(piece)))
    await until(() => canConnect(port), { what: `sshd on port ${port}: ${log}` })
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await start()
  return {
    port,
    user: userInfo().username,
    key,
    strangerKey,
    get hostKey() {
      return readFileSync(join(dir, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ').trim()
    },
    log: () => log,
    async changeHostKey() {
      await stop()
      await start()
    },
    async close() {
      await stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}
