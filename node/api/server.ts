// The HTTP server: sockets, time limits and size limits around the app. Listens on loopback unless told otherwise.
import type { WebSocketServerLike } from '@hono/node-server'
import { createAdaptorServer } from '@hono/node-server'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import type { Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { Api } from './env.ts'
import { createApp } from './app.ts'
import { createAuth, PASS_LIFE_MS } from './access/auth.ts'
import type { Guard } from './access/guard.ts'
import { createGuard } from './access/guard.ts'
import type { NodePort, TaskTokens } from './ports.ts'
import type { UserTokens } from './routes/access/tokens-port.ts'
import { signInUrl } from './routes/session.ts'
import { createStaticFiles } from './static-files.ts'

export type ApiServerComponents = {
  node: NodePort
  clock: Clock
  random: Random
  log: Log
  token: string
  taskTokens?: TaskTokens
  userTokens?: UserTokens
}
export type ApiServerOptions = {
  host: string
  /** 0 takes a free one. */
  port: number
  auth: 'token' | 'none'
  /** The built dashboard; may be missing. */
  webDir: string
  logFile: string
  version: string
  extraHosts?: readonly string[]
}
export type ApiServer = {
  /** The app itself: its routes are compared with the document in tests. */
  readonly app: Api
  start(): Promise<{ origin: string; port: number }>
  /** Ends open streams, then closes. */
  stop(): Promise<void>
  /** A fresh one-time link. */
  signInUrl(): string
  /** A fresh pass for a page of another node, and by what this server is known. */
  pass(): { origin: string; code: string; mark: string; lifeMs: number }
}

// Node's own defaults (60 s, 300 s, checked every 30 s) let a slow client hold a socket for minutes.
const TIME_LIMITS = {
  headersTimeout: 5000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
}
const HEADERS_MAX = 200
const CONNECTIONS_MAX = 1024
/** What a client may send over a WebSocket: a paste into a terminal, at most. */
const MESSAGE_BYTES_MAX = 256 * 1024

export function createApiServer(components: ApiServerComponents, options: ApiServerOptions): ApiServer {
  let port = options.port
  let guard: Guard | undefined
  const auth = createAuth(components, { mode: options.auth, port: () => port })
  const mark = Buffer.from(components.random.bytes(12)).toString('base64url')
  const files = createStaticFiles(options.webDir)
  const shownHost = options.host === '0.0.0.0' || options.host === '::' ? '127.0.0.1' : options.host
  const origin = () => `http://${shownHost.includes(':') ? `[${shownHost}]` : shownHost}:${port}`
  const parts = { ...components, auth, files, guard: () => guard ?? createGuard({ host: options.host, port, extraHosts: [] }) }
  const app = createApp(parts, { origin, logFile: options.logFile, version: options.version, mark })
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX, perMessageDeflate: false })
  const server = createAdaptorServer({
    fetch: app.fetch,
    overrideGlobalObjects: false,
    websocket: { server: sockets as unknown as WebSocketServerLike }, // the same thing; its type is narrower in `on`
    serverOptions: { ...TIME_LIMITS, shouldUpgradeCallback: isWebSocket },
  }) as Server
  server.maxHeadersCount = HEADERS_MAX
  server.maxConnections = CONNECTIONS_MAX

  return {
    app,
    async start() {
      await files.start()
      port = await listen(server, options.host, options.port)
      guard = createGuard({ host: options.host, port, extraHosts: options.extraHosts ?? [] })
      return { origin: origin(), port }
    },
    async stop() {
      for (const socket of sockets.clients) socket.close(1001, 'this node stops')
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      for (const socket of sockets.clients) socket.terminate()
      await closed
    },
    signInUrl: () => signInUrl(auth, origin()),
    pass: () => ({ origin: origin(), code: auth.createPass(), mark, lifeMs: PASS_LIFE_MS }),
  }
}

/** Any other `Upgrade` is ignored and answered as a plain request, as HTTP allows. */
function isWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket'
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, host, port)))
    server.listen({ host, port, exclusive: true }, () => resolve((server.address() as AddressInfo).port))
  })
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): NimbusError {
  if (error.code === 'EADDRINUSE') {
    return new NimbusError('port-in-use', `Port ${port} on ${host} is in use by another program.`, {
      cure: `Is a node running already (nimbus status)? Otherwise choose another: --http ${host}:0 takes a free one.`,
      cause: error,
      details: { port },
    })
  }
  if (error.code === 'EACCES') {
    return new NimbusError('port-refused', `This user may not listen on port ${port}.`, {
      kind: 'refused',
      cure: 'Choose one above 1023, as --http 127.0.0.1:7777.',
      cause: error,
    })
  }
  return new NimbusError('cannot-listen', `Cannot listen on ${host}:${port}: ${error.message}.`, {
    kind: error.code === 'EADDRNOTAVAIL' ? 'usage' : 'failed',
    cure: 'Give an address of this machine: --http 127.0.0.1:7777.',
    cause: error,
  })
}
