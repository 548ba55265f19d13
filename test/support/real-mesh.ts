// A mesh of real node processes on loopback, started through the CLI as a user would, in a temporary folder.
import type { ChildProcess } from 'node:child_process'
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { MeshView, TaskView } from '../../protocols/http/views.ts'
import { until } from './until.ts'

export type Ready = { name: string; http: string; signInUrl: string; peerId: string; mesh: string; addresses: string[]; pid: number }
export type CliResult = { code: number; stdout: string; stderr: string }
export type RealNode = {
  name: string
  dataDir: string
  ready: Ready
  child: ChildProcess
  token: string
  /** JSON over REST with the operator's token. */
  api<Body>(path: string, init?: { method?: string; body?: unknown }): Promise<{ status: number; body: Body }>
  mesh(): Promise<MeshView>
  task(id: string): Promise<TaskView>
  /** Runs the CLI against this node. */
  cli(...args: string[]): Promise<CliResult>
  /** SIGKILL; settles when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM, or `down`; settles with the exit code. */
  stop(): Promise<number | null>
  /** Starts it again with the same data folder and flags. */
  restart(): Promise<void>
}
/** Where a node runs, if not simply here: the command that its process is started with, the addresses it listens on, its program. */
export type Place = { run: readonly string[]; http: string; listen: string; bin?: string }
export type RealMesh = {
  dir: string
  nodes: RealNode[]
  /** Founds the mesh, or joins it by an invite of the first node. */
  add(name: string, flags?: string[], place?: Place): Promise<RealNode>
  /** Waits until every running node sees all of them alive. */
  settled(): Promise<void>
  close(): Promise<void>
}

export const BIN = fileURLToPath(new URL('../../node/nimbus.js', import.meta.url))
const READY_MS_MAX = 90_000
export const HERE: Place = { run: [], http: '127.0.0.1:0', listen: '/ip4/127.0.0.1/tcp/0' }

/** Nothing of the machine's own Nimbus may reach a test. */
export function cleanEnv(extra: Record<string, string> = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([key]) => !key.startsWith('NIMBUS_'))
  return { ...(Object.fromEntries(kept) as Record<string, string>), NO_COLOR: '1', ...extra }
}

export function runCli(
  args: readonly string[],
  options: { dataDir?: string; input?: string; env?: Record<string, string>; timeoutMs?: number; bin?: string } = {},
): Promise<CliResult> {
  return new Promise((resolve) => {
    const env = cleanEnv({ ...(options.dataDir === undefined ? {} : { NIMBUS_DATA: options.dataDir }), ...options.env })
    const child = execFile(
      process.execPath,
      [options.bin ?? BIN, ...args],
      { env, timeout: options.timeoutMs ?? 60_000, maxBuffer: 64 * 2 ** 20 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr })
      },
    )
    child.stdin?.end(options.input ?? '')
  })
}

export async function createRealMesh(): Promise<RealMesh> {
  const dir = await mkdtemp(join(tmpdir(), 'nimbus-mesh-'))
  const nodes: RealNode[] = []
  const running = (): RealNode[] => nodes.filter((node) => node.child.exitCode === null && node.child.signalCode === null)
  return {
    dir,
    nodes,
    async add(name, flags = [], place = HERE) {
      const join_ = nodes[0] === undefined ? [] : ['--join', JSON.parse((await nodes[0].cli('invite', '--json')).stdout).invite as string]
      const node = await startRealNode(join(dir, name), name, flags, join_, place)
      nodes.push(node)
      return node
    },
    async settled() {
      const alive = running()
      await until(
        async () => {
          const views = await Promise.all(alive.map((node) => node.mesh()))
          return views.every((view) => view.members.filter((member) => member.state === 'alive').length === alive.length)
        },
        { what: `${alive.length} nodes that see each other`, timeoutMs: 60_000 },
      )
    },
    async close() {
      await Promise.all(running().map((node) => node.kill()))
      await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

export async function startRealNode(
  dataDir: string,
  name: string,
  flags: readonly string[],
  joinFlags: readonly string[] = [],
  place: Place = HERE,
): Promise<RealNode> {
  const base = ['up', '--json', '--data', dataDir, '--name', name, '--http', place.http, '--listen', place.listen, ...flags]
  const node = {} as RealNode
  const begin = async (args: readonly string[]): Promise<void> => {
    const [command = process.execPath, ...rest] = [...place.run, process.execPath, place.bin ?? BIN, ...args]
    const child = spawn(command, rest, { env: cleanEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
    node.child = child
    node.ready = await readyLine(child, name)
    node.token = (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  }
  Object.assign(node, {
    name,
    dataDir,
    async api(path: string, init: { method?: string; body?: unknown } = {}) {
      const response = await fetch(node.ready.http + path, {
        method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
        headers: { authorization: `Bearer ${node.token}`, ...(init.body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    },
    mesh: async () => (await node.api<MeshView>('/api/mesh')).body,
    task: async (id: string) => (await node.api<TaskView>(`/api/tasks/${id}`)).body,
    cli: (...args: string[]) => runCli(args, { dataDir }),
    kill: () => end(node.child, 'SIGKILL').then(() => {}),
    stop: () => end(node.child, 'SIGTERM'),
    restart: () => begin(base.map((flag) => (flag === place.listen ? ownAddress(node.ready, place) : flag))),
  })
  await begin([...base, ...joinFlags])
  return node
}

/** Where it listened before: when all nodes start again at once, nobody is left who could tell new addresses. */
function ownAddress(ready: Ready, { listen }: Place): string {
  const address = ready.addresses.find((one) => one.startsWith(listen.replace(/0$/, '')))
  return address?.replace(/\/p2p\/.*$/, '') ?? listen
}

function readyLine(child: ChildProcess, name: string): Promise<Ready> {
  return new Promise((resolve, reject) => {
    let errors = ''
    child.stderr?.on('data', (chunk) => (errors += String(chunk)))
    const timer = setTimeout(() => reject(new Error(`${name} was not ready in ${READY_MS_MAX} ms: ${errors}`)), READY_MS_MAX)
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it was ready: ${errors}`)))
    if (child.stdout === null) return reject(new Error('no stdout'))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (!line.startsWith('{"event":"ready"')) return
      clearTimeout(timer)
      resolve(JSON.parse(line) as Ready)
    })
  })
}

function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve(child.exitCode)
    child.once('exit', (code) => resolve(code))
    child.kill(signal)
  })
}
