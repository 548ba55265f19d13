// Serves web/dist under the node's strict headers with canned answers, so that pages can be looked at without a mesh.
// It stands in for a node; it proves nothing about one.
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { WebSocketServer } from 'ws'
import type { MeshView, TaskView } from '../../../protocols/http/views.ts'
import { encodeTerminalFrame } from '../../../protocols/terminals/frames.ts'
import { aQuestion, aSession, aTerminal, anAsk, someMessages } from '../../web/agent-fixtures.ts'
import { aBuild, aHostedRepo, aProof, aRepo } from '../../web/code-fixtures.ts'
import { someLines } from '../../web/line-fixtures.ts'
import { aService, someBudgets, someCosts } from '../../web/work-fixtures.ts'
import { aMesh, aMessage, aSchedule, someOutput, someTasks } from '../../web/fixtures.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const SCHEDULES = [
  aSchedule('nightly'),
  aSchedule('report', { cron: '*/15 8-18 * * 1-5', state: 'paused' }),
  aSchedule('probe', { everyMs: 30_000, state: 'active', task: { kind: 'shell', argv: ['curl', '-fsS', 'https://example.org/health'] } }),
]
const MESSAGES = [
  aMessage(1, 'The staging database is back.'),
  aMessage(2, { build: 4711, result: 'succeeded', files: ['dist/app.js', 'dist/app.css'] }),
]

const SESSIONS = [
  aSession(1, 'waiting', { name: 'tidy the build', asks: [anAsk('Bash', 'rm -rf build/ && git clean -fdx --exclude=.env.local.example')] }),
  aSession(2, 'working'),
  aSession(3, 'failed', {
    reason: { code: 'budget', message: 'The budget of $5.00 is used up.', cure: 'Give it more: nimbus session resume ID --budget 10' },
  }),
  aSession(4, 'done', {
    repo: 'https://example.org/a/rather/long/address/of/a/repository.git',
    branch: 'nimbus/session-01ja0004q7wk3mv8t2ga5znc9x',
  }),
]
const SAID = someMessages(['The ledger test fails since replay starts at one, not at zero. I change that and run the tests again.'])
const QUESTIONS = [
  aQuestion(1, 'Which database may the migration use?', {
    choices: ['staging', 'a copy of production', 'none: stop here'],
    detail: '{"rows": 120000}',
  }),
  aQuestion(2, 'What is the new port of the page?'),
  aQuestion(3, 'Deploy?', {
    about: 'approval',
    state: 'answered',
    answer: { choice: 'yes', by: 'operator', worker: 'w', workerName: 'alder', at: Date.now() },
  }),
]

const SERVICES = [
  aService('web', { revision: 4, failed: { revision: 4, reason: 'it did not answer on /health within 30 s', at: Date.now() } }),
  aService('a-service-with-a-very-long-name-of-forty', {
    state: 'crash-loop',
    healthy: false,
    restarts: 7,
    reason: 'exit 1 five times within a minute',
  }),
]

const TERMINALS = [aTerminal(1), aTerminal(2, { name: 'the long migration', argv: ['bash'], state: 'ready' })]
const SCREEN = [
  '\x1b[7m  PID USER      CPU%  MEM%  COMMAND                                            \x1b[0m',
  '    1 root       0.0   0.1  \x1b[32minit\x1b[0m',
  '  812 nimbus     4.2   1.3  \x1b[38;2;255;170;90m├─ node nimbus up\x1b[0m',
  '  840 nimbus    \x1b[1;31m97.0\x1b[0m   8.8  │  └─ cargo build --release',
  '\x1b[4munderlined\x1b[0m \x1b[3mitalic\x1b[0m \x1b[1mbold\x1b[0m \x1b[44;97m on blue \x1b[0m 表示 ✓',
  '$ ',
]
const BUILDS = [
  aBuild(1, 'running', { phase: 'test', step: 'npm test', percent: 66, tries: [], artifacts: [] }),
  aBuild(2, 'failed', { reason: 'two tests of room ledger fail', failure: 'tests', lastGood: { task: 'b3', commit: 'c'.repeat(40) } }),
  aBuild(3, 'succeeded', { flaky: true }),
]
const REPOS = [
  aRepo('nimbus', {
    state: 'fetching',
    progress: {
      phase: 'receiving',
      loaded: 8_120,
      total: 13_000,
      percent: 62,
      bytes: 9_400_000,
      bytesPerSecond: 1_400_000,
      remainingMs: 4_200,
    },
  }),
  aRepo('app'),
]
const HOSTED = [aHostedRepo('library'), aHostedRepo('a-repository-with-a-long-name')]

export type StandIn = {
  url: string
  state: { mesh: MeshView; tasks: TaskView[]; signedIn: boolean }
  emit(type: string, data: unknown): void
  cutStreams(): void
  close(): Promise<void>
}

export async function startStandIn(dist: string): Promise<StandIn> {
  const state: StandIn['state'] = { mesh: aMesh(), tasks: someTasks(), signedIn: true }
  const sockets = new WebSocketServer({ noServer: true })
  const server = createServer((request, response) => void answer(state, dist, request, response))
  let refusing = false
  server.on('upgrade', (request, socket, head) => {
    if (refusing) socket.destroy()
    else
      sockets.handleUpgrade(request, socket, head, (client) => {
        if (request.url?.startsWith('/api/terminals/') !== true) return
        client.send(encodeTerminalFrame({ t: 'event', event: { t: 'hello', you: true } }))
        const screen = { t: 'screen', seq: 0, size: { cols: 80, rows: 24 }, more: false, bytes: Buffer.from(SCREEN.join('\r\n')) } as const
        client.send(encodeTerminalFrame(screen))
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  let cursor = 0
  const cut = () => sockets.clients.forEach((client) => client.terminate())
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    state,
    emit(type, data) {
      cursor += 1
      const event = JSON.stringify({ cursor: String(cursor), time: Date.now(), type, entity: type.split('.')[0], id: '', data })
      for (const client of sockets.clients) client.send(event)
    },
    cutStreams() {
      refusing = true
      cut()
    },
    async close() {
      cut()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(state: StandIn['state'], dist: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://stand-in')
  if (!url.pathname.startsWith('/api/')) return serveFile(dist, url.pathname, response)
  const body = await readJson(request)
  const lines = /^\/api\/(?:lines|tasks\/([^/]+)\/log\/lines)$/.exec(url.pathname)
  if (lines) {
    const ids = lines[1] === undefined ? (url.searchParams.get('tasks') ?? '').split(',') : [lines[1]]
    for (const row of someLines(ids, 60, url.searchParams.get('q') ?? '')) response.write(`${JSON.stringify(row)}\n`)
    return url.searchParams.get('follow') === 'true' ? undefined : void response.end()
  }
  const log = /^\/api\/tasks\/([^/]+)\/log$/.exec(url.pathname)
  if (log) return streamLog(url, response)
  if (/^\/api\/sessions\/[^/]+\/messages$/.test(url.pathname))
    return void response.end(SAID.map((message) => `${JSON.stringify(message)}\n`).join(''))
  const { status, json } = route(state, request.method ?? 'GET', url, body)
  response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' }).end(JSON.stringify(json))
}

function route(state: StandIn['state'], method: string, url: URL, body: Record<string, unknown>): { status: number; json: unknown } {
  const ok = (json: unknown, status = 200) => ({ status, json })
  const [, , noun, id, verb] = url.pathname.split('/')
  if (!state.signedIn)
    return ok({ type: 'about:blank', title: 'Unauthorized', status: 401, code: 'unauthorized', detail: 'Not signed in.' }, 401)
  if (noun === 'session') return ok({ signedIn: true, csrf: 'c', auth: 'token' })
  if (noun === 'mesh') return ok(state.mesh)
  if (noun === 'events' || noun === 'health') return ok({ ticket: 't' })
  if (noun === 'invites') return ok({ invite: `nimbus1${'k3v9m2x7q4t8w1z6'.repeat(10)}`, expiresAt: Date.now() + 15 * 60_000 }, 201)
  if (noun === 'schedules') return ok({ items: SCHEDULES })
  if (noun === 'messages') return ok({ items: MESSAGES })
  if (noun === 'sessions') return ok(id === undefined ? { items: SESSIONS } : SESSIONS.find((one) => one.id === id))
  if (noun === 'terminals') return ok(id === undefined ? { items: TERMINALS } : TERMINALS.find((one) => one.id === id))
  if (noun === 'services') return ok({ items: SERVICES })
  if (noun === 'builds') return ok(id === undefined ? { items: BUILDS } : BUILDS.find((one) => one.id === id))
  if (noun === 'artifacts') return ok(aProof(id ?? ''))
  if (noun === 'repos') return ok(id === undefined ? { items: REPOS } : REPOS.find((one) => one.name === id))
  if (noun === 'hosted-repos') return ok({ items: HOSTED })
  if (noun === 'costs') return ok(someCosts(url.searchParams.get('by') ?? 'day'))
  if (noun === 'budgets') return ok({ items: someBudgets() })
  if (noun === 'questions') return ok(id === undefined ? { items: QUESTIONS } : QUESTIONS.find((one) => one.id === id))
  if (noun === 'workers') return ok(state.mesh.members.find((member) => member.peerId === id) ?? {})
  if (noun === 'tasks' && method === 'POST' && id === undefined) {
    if (body['timeout'] === 'soon')
      return ok(
        {
          type: 'about:blank',
          title: 'Bad request',
          status: 400,
          code: 'invalid',
          detail: 'The task is not valid.',
          errors: [{ path: 'timeout', message: 'a duration such as 500ms 30s 15m 7d' }],
        },
        400,
      )
    return ok({ id: state.tasks[0]?.id }, 201)
  }
  if (noun === 'tasks' && id !== undefined) {
    const task = state.tasks.find((candidate) => candidate.id === id)
    if (task === undefined)
      return ok({ type: 'about:blank', title: 'Not found', status: 404, code: 'task-unknown', detail: `No task ${id}.` }, 404)
    return ok(verb === 'cancel' ? { ...task, cancelRequested: true } : task)
  }
  const wanted = url.searchParams.get('state')
  const text = url.searchParams.get('q') ?? ''
  return ok({ items: state.tasks.filter((task) => (wanted === null || task.state === wanted) && JSON.stringify(task).includes(text)) })
}

async function streamLog(url: URL, response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  for (const chunk of someOutput(140)) response.write(`${JSON.stringify(chunk)}\n`)
  if (url.searchParams.get('follow') !== 'true') response.end()
}

async function serveFile(dist: string, path: string, response: ServerResponse): Promise<void> {
  const name = extname(path) === '' ? '/index.html' : normalize(path)
  const bytes = await readFile(join(dist, name)).catch(() => undefined /* answered with 404 below */)
  const headers = {
    'content-type': TYPES[extname(name)] ?? 'text/plain',
    'content-security-policy': CSP,
    'x-content-type-options': 'nosniff',
  }
  response.writeHead(bytes === undefined ? 404 : 200, headers).end(bytes)
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = ''
  for await (const piece of request) text += String(piece)
  return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>)
}
