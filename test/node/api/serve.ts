// Starts the real HTTP server over a fake node, on a free port, and gives a client for it.
import { TASK_VERBS } from '../../../protocols/agents/capability.ts'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApiServer } from '../../../node/api/server.ts'
import { createApiServer } from '../../../node/api/server.ts'
import { operatorToken } from '../../../node/api/access/token-file.ts'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import type { TokenDesk } from '../../../node/tasks/tokens/token-desk.ts'
import { createSystemRandom } from '../../../node/kernel/random.ts'
import type { FakeNode } from './fake-node.ts'
import { createFakeNode } from './fake-node.ts'

export type Served = {
  node: FakeNode
  api: ApiServer
  origin: string
  port: number
  token: string
  dataDir: string
  request(method: string, path: string, options?: { body?: unknown; headers?: Record<string, string> }): Promise<Response>
  stop(): Promise<void>
}
export const TASK_TOKEN = 'task-token-of-a-running-task'

export async function serveFake(options: { auth?: 'token' | 'none' } = {}): Promise<Served> {
  const dataDir = await mkdtemp(join(tmpdir(), 'nimbus-api-'))
  const webDir = join(dataDir, 'web')
  await mkdir(join(webDir, 'assets'), { recursive: true })
  await writeFile(join(webDir, 'index.html'), '<!doctype html><title>Nimbus</title>')
  await writeFile(join(webDir, 'assets', 'main-abcd1234.js'), 'export {}')
  await writeFile(join(dataDir, 'nimbus.log'), '{"level":30,"msg":"hello"}\n')
  const node = createFakeNode()
  const token = await operatorToken(dataDir, createSystemRandom())
  const taskTokens = { taskOf: (given: string) => (given === TASK_TOKEN ? 'a-task' : undefined), verbsOf: () => TASK_VERBS }
  const api = createApiServer(
    {
      node,
      clock: createSystemClock(),
      random: createSystemRandom(),
      log: silentLog,
      token,
      taskTokens,
      userTokens: node.tokens as TokenDesk,
    },
    { host: '127.0.0.1', port: 0, auth: options.auth ?? 'token', webDir, logFile: join(dataDir, 'nimbus.log'), version: '0.1.0' },
  )
  const { origin, port } = await api.start()
  await writeFile(join(dataDir, 'node.json'), JSON.stringify({ http: origin, pid: process.pid }))
  return {
    node,
    api,
    origin,
    port,
    token,
    dataDir,
    request: (method, path, { body, headers } = {}) =>
      fetch(origin + path, {
        method,
        redirect: 'manual',
        headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    async stop() {
      await api.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
