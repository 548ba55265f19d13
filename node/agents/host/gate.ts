// The only way out of a session's sandbox: a proxy that lets listed hosts through and refuses all others, by name. Requests to the
// agent's own server get the worker's credentials here, so that the agent and what it starts never see them.
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Upstream } from '../driver.ts'

export type Gate = { address: string; close(): void }

export type GateOptions = {
  /** A path for a socket, or undefined for a port on loopback. */
  socket: string | undefined
  upstream: Pick<Upstream, 'origin' | 'headers'> | undefined
  /** The node, for the tools of the mesh: nothing else of it can be reached, and the token of the session stays out here. */
  mesh: { url: string; token: string } | undefined
  /** Host names that may be connected to, on the ports 443 and 80. */
  allowed: readonly string[]
  onRefused(host: string): void
}

const HOP_HEADERS = new Set(['host', 'connection', 'proxy-connection', 'proxy-authorization', 'keep-alive', 'x-api-key', 'authorization'])
const PORTS = new Set(['443', '80'])
/** Where the node speaks MCP, and where the gate does. */
const MESH_TOOLS = '/mcp'
const CONNECTIONS_MAX = 256
const NAME_MAX = 300

export async function openGate(options: GateOptions): Promise<Gate> {
  const server = createServer((request, response) => onRequest(options, request, response))
  server.maxConnections = CONNECTIONS_MAX
  server.on('connect', (request, socket, head) => onConnect(options, request, socket, head))
  server.on('clientError', (_error, socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    if (options.socket === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(options.socket, resolve)
  })
  const address = server.address()
  return {
    address: typeof address === 'string' ? address : `127.0.0.1:${address?.port ?? 0}`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A request for a path, or for a whole address as proxies get it. */
function onRequest(options: GateOptions, request: IncomingMessage, response: ServerResponse): void {
  const target = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined
  const isOurs = target === undefined || target.hostname === '127.0.0.1' || target.hostname === 'localhost'
  const path = target === undefined ? (request.url ?? '/') : target.pathname + target.search
  if (isOurs && path === MESH_TOOLS && options.mesh !== undefined)
    return forward(
      new URL(options.mesh.url + path),
      { ...passedOn(request), authorization: `Bearer ${options.mesh.token}` },
      request,
      response,
    )
  if (isOurs && options.upstream !== undefined) {
    const headers = { ...passedOn(request), ...options.upstream.headers() }
    return forward(new URL(options.upstream.origin + path), headers, request, response)
  }
  if (target !== undefined && target.protocol === 'http:' && isAllowed(options.allowed, target.hostname, target.port || '80'))
    return forward(target, passedOn(request), request, response)
  refuse(options, target?.host ?? request.headers.host ?? path, response)
}

function forward(url: URL, headers: Record<string, string | string[]>, request: IncomingMessage, response: ServerResponse): void {
  const ask = url.protocol === 'https:' ? httpsRequest : httpRequest
  const upstream = ask(url, { method: request.method ?? 'GET', headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  upstream.on('error', (error) => {
    if (response.headersSent) return void response.destroy()
    response.writeHead(502, { 'content-type': 'text/plain' }).end(`The server cannot be reached: ${error.message}\n`)
  })
  response.on('close', () => upstream.destroy())
  request.pipe(upstream)
}

function onConnect(options: GateOptions, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const [, name = '', port = ''] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(request.url ?? '') ?? []
  socket.on('error', () => {}) // it is gone
  if (!isAllowed(options.allowed, name, port)) {
    options.onRefused((request.url ?? '?').slice(0, NAME_MAX))
    return void socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
  }
  const outside = connect(Number(port), name, () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    outside.write(head)
    outside.pipe(socket).pipe(outside)
  })
  outside.on('error', () => socket.destroy())
  socket.on('close', () => outside.destroy())
}

function isAllowed(allowed: readonly string[], name: string, port: string): boolean {
  return PORTS.has(port) && allowed.includes(name.toLowerCase())
}

function refuse(options: GateOptions, host: string, response: ServerResponse): void {
  options.onRefused(host.slice(0, NAME_MAX))
  response
    .writeHead(403, { 'content-type': 'text/plain' })
    .end('This session may not reach that host: nimbus session start --network HOST allows it.\n')
}

function passedOn(request: IncomingMessage): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(request.headers).filter(([name, value]) => !HOP_HEADERS.has(name) && value !== undefined),
  ) as Record<string, string | string[]>
}
