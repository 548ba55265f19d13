// MCP for clients outside: `/mcp`, streamable HTTP. Tools ask this very API with the caller's own token, so that nothing is allowed
// here that is refused there. The protocol's code is loaded when the first client comes.
import type { Context } from 'hono'
import type { NodeCall } from '../../../agents/mcp/tool.ts'
import type { McpHttp } from '../../../agents/mcp/http-sessions.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import type { Random } from '../../../kernel/random.ts'
import { describe } from '../../describe.ts'
import type { Api, ApiEnv } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { parseJson, readText } from '../../input.ts'
import type { Problem } from '../../../../protocols/http/views.ts'

export type McpRouteComponents = { clock: Clock; random: Random; version: string; app: () => Api }
const JSON_RPC_PARSE_ERROR = -32_700

export function mcpRoutes({ clock, random, version, app }: McpRouteComponents): Api {
  const api = createRoutes()
  let loaded: Promise<McpHttp<NodeCall>> | undefined
  const load = async (): Promise<McpHttp<NodeCall>> => {
    const [{ createMcpHttp }, { createMeshServer }] = await Promise.all([
      import('../../../agents/mcp/http-sessions.ts'),
      import('../../../agents/mcp/mesh-server.ts'),
    ])
    return createMcpHttp({ clock, random, createServer: (call) => createMeshServer({ call, clock, version }) })
  }
  const answer = async (c: Context<ApiEnv>): Promise<Response> => {
    const { actor } = c.var.caller
    let body: unknown
    try {
      body = c.req.method === 'POST' ? parseJson(await readText(c)) : undefined
    } catch (error) {
      if (!(error instanceof NimbusError) || error.code !== 'invalid-json') throw error
      return c.json({ jsonrpc: '2.0', error: { code: JSON_RPC_PARSE_ERROR, message: error.message }, id: null }, 400)
    }
    const owner = actor.kind === 'task' ? `task ${actor.task}` : actor.kind === 'user' ? `token ${actor.token}` : actor.kind
    return (await (loaded ??= load())).fetch(c.req.raw, { owner, caller: callOf(app(), c), body })
  }
  const answers = { 200: { text: 'JSON-RPC of the Model Context Protocol, as JSON or server-sent events' } }
  const summary = 'Model Context Protocol, streamable HTTP'
  api.post('/mcp', describe({ id: 'mcpPost', tag: 'mcp', summary, answers }), answer)
  api.get('/mcp', describe({ id: 'mcpGet', tag: 'mcp', summary: `${summary}: what the server says by itself`, answers }), answer)
  api.delete('/mcp', describe({ id: 'mcpDelete', tag: 'mcp', summary: `${summary}: the end of a session`, answers }), answer)
  return api
}

/** Asks this app as the caller of the request did: by the same token, from the same address. */
function callOf(app: Api, c: Context<ApiEnv>): NodeCall {
  const { incoming } = c.env
  const env = {
    incoming: { rawHeaders: incoming.rawHeaders, headers: incoming.headers, socket: { remoteAddress: incoming.socket.remoteAddress } },
  }
  const origin = new URL(c.req.url).origin
  const token = c.req.header('authorization')
  return async (method, path, { body, signal, accept = 'application/json' } = {}) => {
    const request = new Request(origin + path, {
      method,
      headers: {
        accept,
        ...(token === undefined ? {} : { authorization: token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
    const response = await app.fetch(request, env)
    const text = await response.text()
    if (response.ok) return response.headers.get('content-type')?.includes('json') === true ? (JSON.parse(text) as unknown) : text
    const problem = JSON.parse(text) as Problem
    throw new NimbusError(String(problem.code), problem.detail, problem.cure === undefined ? {} : { cure: problem.cure })
  }
}
