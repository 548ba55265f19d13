// MCP over streamable HTTP. Requests of the 2026 revision stand for themselves; older clients open a session first, which belongs to
// whoever opened it and is forgotten when it is idle for long or there are too many.
import type { McpServer } from '@modelcontextprotocol/server'
import {
  createMcpHandler,
  isInitializeRequest,
  isLegacyRequest,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'

/** One client, one session; agents come and go. The one that was silent for longest makes room. */
const SESSIONS_MAX = 256
const IDLE_MS = 30 * 60_000
const SUBSCRIPTIONS_MAX = 64

export type McpHttpComponents<Caller> = {
  clock: Pick<Clock, 'nowMs'>
  random: Pick<Random, 'bytes'>
  /** A server with the tools of this caller. */
  createServer(caller: Caller): Promise<McpServer>
}
export type McpHttp<Caller> = {
  /** @param owner whose session it is: nobody else gets into it. @param body the JSON of a POST */
  fetch(request: Request, asked: { owner: string; caller: Caller; body: unknown }): Promise<Response>
  close(): Promise<void>
  sessions(): number
}

type Session = { owner: string; transport: WebStandardStreamableHTTPServerTransport; usedMs: number }

export function createMcpHttp<Caller>({ clock, random, createServer }: McpHttpComponents<Caller>): McpHttp<Caller> {
  const sessions = new Map<string, Session>()
  const modern = createMcpHandler(({ authInfo }) => createServer(authInfo?.extra?.['caller'] as Caller), {
    legacy: 'reject',
    maxSubscriptions: SUBSCRIPTIONS_MAX,
  })
  const drop = async (id: string): Promise<void> => {
    const session = sessions.get(id)
    sessions.delete(id)
    await session?.transport.close()
  }
  const makeRoom = async (): Promise<void> => {
    const byAge = [...sessions].sort(([, a], [, b]) => a.usedMs - b.usedMs)
    const idle = byAge.filter(([, { usedMs }], at) => usedMs < clock.nowMs() - IDLE_MS || at <= sessions.size - SESSIONS_MAX)
    for (const [id] of idle) await drop(id)
  }
  const begin = async (owner: string, caller: Caller): Promise<WebStandardStreamableHTTPServerTransport> => {
    await makeRoom()
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => Buffer.from(random.bytes(32)).toString('base64url'),
      onsessioninitialized: (id) => void sessions.set(id, { owner, transport, usedMs: clock.nowMs() }),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    await (await createServer(caller)).connect(transport)
    return transport
  }
  return {
    async fetch(request, { owner, caller, body }) {
      const parsedBody = request.method === 'POST' ? { parsedBody: body } : {}
      if (!(await isLegacyRequest(request, body)))
        return modern.fetch(request, { ...parsedBody, authInfo: { token: '', clientId: owner, scopes: [], extra: { caller } } })
      const id = request.headers.get('mcp-session-id')
      const session = id === null ? undefined : sessions.get(id)
      if (id !== null && session?.owner !== owner) return noSession()
      if (session === undefined && !isInitializeRequest(body)) return needsSession()
      if (session !== undefined) session.usedMs = clock.nowMs()
      const transport = session?.transport ?? (await begin(owner, caller))
      return transport.handleRequest(request, parsedBody)
    },
    async close() {
      await modern.close()
      for (const id of sessions.keys()) await drop(id)
    },
    sessions: () => sessions.size,
  }
}

function needsSession(): Response {
  const message = 'Bad Request: Mcp-Session-Id header is required'
  return Response.json({ jsonrpc: '2.0', error: { code: -32_000, message }, id: null }, { status: 400 })
}

/** The words of the protocol: the client opens a new session then. */
function noSession(): Response {
  return Response.json({ jsonrpc: '2.0', error: { code: -32_001, message: 'Session not found' }, id: null }, { status: 404 })
}
