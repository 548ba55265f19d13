// The HTTP side of a door: each request goes to the process that is live when it comes, also on a connection that is kept. A request
// whose process was gone before it took anything of it goes to the next one.
import { createServer, request as send } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Front, Route } from './traffic.ts'

/** What belongs to one connection and not to the request. */
const HOP = new Set(['connection', 'expect', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])
/** A process that cannot be reached is looked for again so often: another may be on its way. */
const TRIES_MAX = 3

export function createHttpFront(route: Route): Front {
  let retired = false
  const server = createServer((request, response) => {
    if (retired) response.setHeader('connection', 'close')
    void handle(route, request, response)
  })
  server.requestTimeout = 0 // uploads and long answers are the business of the service
  const tunnels = new Set<Socket>()
  server.on('upgrade', (request, socket, head) => void tunnel(route, request, socket as Socket, head, tunnels))
  server.on('clientError', (_error, socket) => socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'))
  return {
    server,
    retire() {
      retired = true
      server.closeIdleConnections()
    },
    cut() {
      server.closeAllConnections()
      for (const socket of tunnels) socket.destroy()
    },
  }
}

async function handle(route: Route, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let gone: number | undefined
  for (let tries = 1; ; tries++) {
    const port = await route.target(gone)
    if (response.destroyed) return
    if (port === undefined) return unavailable(response)
    const leave = route.enter(port)
    const passed = await pass(port, request, response)
    leave()
    if (passed) return
    if (tries >= TRIES_MAX) return unavailable(response)
    gone = port
  }
}

/** @returns false where the process could not be reached: nothing of the request was sent */
function pass(port: number, request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = headersOf(request)
    // A connection for each request: one that was kept could end in the moment in which it is used.
    const onward = send({ host: '127.0.0.1', port, method: request.method, path: request.url, headers, agent: false })
    let connected = false
    onward.on('socket', (socket) =>
      socket.once('connect', () => {
        connected = true
        request.pipe(onward)
      }),
    )
    onward.on('response', (answer) => {
      const kept = Object.entries(answer.headersDistinct).filter(([name]) => !HOP.has(name))
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, Object.fromEntries(kept) as Record<string, string[]>)
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    onward.on('error', () => {
      if (!connected) return resolve(false)
      if (response.headersSent) response.destroy()
      else badGateway(response)
    })
    response.on('close', () => {
      onward.destroy()
      resolve(true)
    })
  })
}

function headersOf(request: IncomingMessage): Record<string, string | string[]> {
  const { headersDistinct, socket } = request
  const kept = Object.entries(headersDistinct).filter(([name]) => !HOP.has(name)) as [string, string[]][]
  const headers: Record<string, string | string[]> = Object.fromEntries(kept)
  headers['x-forwarded-for'] = [...(headersDistinct['x-forwarded-for'] ?? []), socket.remoteAddress ?? ''].join(', ')
  headers['host'] = request.headers.host ?? ''
  if (request.headers['transfer-encoding'] !== undefined) headers['transfer-encoding'] = 'chunked'
  return headers
}

function unavailable(response: ServerResponse): void {
  response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '5' }).end('The service is not running at the moment.\n')
}

function badGateway(response: ServerResponse): void {
  response.writeHead(502, { 'content-type': 'text/plain' }).end('The service ended before it answered.\n')
}

/** WebSockets and their like: from the answer on only bytes. */
async function tunnel(route: Route, request: IncomingMessage, socket: Socket, head: Buffer, tunnels: Set<Socket>): Promise<void> {
  const port = await route.target()
  if (port === undefined) return void socket.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n')
  const leave = route.enter(port)
  const onward = connect(port, '127.0.0.1', () => {
    const lines = [`${request.method} ${request.url} HTTP/1.1`]
    for (let at = 0; at < request.rawHeaders.length; at += 2) lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`)
    onward.write(`${lines.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    socket.pipe(onward).pipe(socket)
  })
  for (const one of [socket, onward]) {
    tunnels.add(one)
    one.on('error', () => one.destroy())
    one.on('close', () => {
      tunnels.delete(one)
      socket.destroy()
      onward.destroy()
      leave()
    })
  }
}
