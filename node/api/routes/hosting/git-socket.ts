// A git client's connection with a hosted repository, as a WebSocket: binary messages are git's own bytes, both ways; the text message
// `end` says that one side sends no more, any other text is the problem that ended it.
import { upgradeWebSocket } from '@hono/node-server'
import type { Context } from 'hono'
import * as z from 'zod'
import type { WebSocket } from 'ws'
import type { Log } from '../../../kernel/log.ts'
import { messageOf, NimbusError } from '../../../kernel/errors.ts'
import { isUpgrade } from '../../access/require-access.ts'
import { describe } from '../../describe.ts'
import type { Api, ApiEnv } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { check } from '../../input.ts'
import type { GitChannel, HostingPort } from '../../ports.ts'
import type { StreamGate } from '../../streams.ts'

const SERVICES = { 'git-upload-pack': 'upload', 'git-receive-pack': 'receive' } as const
const service = z.enum(['git-upload-pack', 'git-receive-pack'])
/** Messages that wait to be read before the client is held back. */
const WAITING_MAX = 4
/** Bytes of one message to the client. */
const MESSAGE_BYTES_MAX = 64 * 1024
const CLOSE = { normal: 1000, fault: 1011 } as const

export function gitSocketRoutes(hosting: HostingPort, gate: StreamGate, log: Log): Api {
  const api = createRoutes()
  api.get(
    '/api/git/:worker/:repo/:service',
    describe({
      id: 'openGit',
      tag: 'repos',
      summary:
        'Git’s own protocol with a hosted repository over a WebSocket; git-remote-nimbus speaks it. `mesh` as worker is any that keeps it',
      answers: { 101: { text: 'The connection' } },
    }),
    async (c, next) => {
      const { worker, repo } = c.req.param()
      const wanted = SERVICES[check(service, c.req.param('service'))]
      if (!isUpgrade(c))
        throw new NimbusError('stream-needed', 'A repository is read over a WebSocket.', {
          kind: 'usage',
          cure: `Use git itself: git clone nimbus://${worker}/${repo}, with git-remote-nimbus on the PATH.`,
        })
      // A refusal of an upgrade has no body: it is told over the connection itself.
      const session = await hosting.open(worker, repo, wanted).catch((error: unknown) => () => Promise.reject(error))
      return socketFor(c, next, gate, (socket) => void run(socket, session, log))
    },
  )
  return api
}

async function socketFor(
  c: Context<ApiEnv>,
  next: () => Promise<void>,
  gate: StreamGate,
  open: (socket: WebSocket) => void,
): Promise<Response> {
  const leave = gate.enter()
  c.env.incoming.socket.once('close', leave)
  const upgrade = upgradeWebSocket(() => ({ onOpen: (_event, context) => open(context.raw as WebSocket) }))
  return (await upgrade(c, next)) ?? new Response(null, { status: 426 })
}

async function run(socket: WebSocket, session: (channel: GitChannel, gone: AbortSignal) => Promise<void>, log: Log): Promise<void> {
  const gone = new AbortController()
  socket.on('close', () => gone.abort(new Error('the client is gone')))
  socket.on('error', () => socket.terminate()) // a broken frame or connection: `close` follows
  try {
    await session(channelOf(socket), gone.signal)
    socket.send('end')
    socket.close(CLOSE.normal)
  } catch (error) {
    if (gone.signal.aborted) return
    log.info({ reason: messageOf(error) }, 'a git connection failed')
    const { code, cure } = error instanceof NimbusError ? error : { code: 'failed', cure: undefined }
    socket.send(JSON.stringify({ code, detail: messageOf(error), ...(cure === undefined ? {} : { cure }) }))
    socket.close(CLOSE.fault)
  }
}

function channelOf(socket: WebSocket): GitChannel {
  const waiting: Uint8Array[] = []
  let isOver = false
  let wake = (): void => {}
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) waiting.push(data)
    else isOver = true
    if (waiting.length >= WAITING_MAX) socket.pause()
    wake()
  })
  socket.on('close', () => {
    isOver = true
    wake()
  })
  return {
    async read() {
      while (waiting.length === 0 && !isOver) await new Promise<void>((resolve) => (wake = resolve))
      const piece = waiting.shift()
      if (waiting.length < WAITING_MAX && socket.isPaused) socket.resume()
      return piece
    },
    async write(bytes) {
      for (let at = 0; at < bytes.length; at += MESSAGE_BYTES_MAX)
        await new Promise<void>((resolve, reject) => {
          if (socket.readyState !== socket.OPEN) return reject(new Error('the client is gone'))
          socket.send(bytes.subarray(at, at + MESSAGE_BYTES_MAX), (error) => (error ? reject(error) : resolve()))
        })
    },
  }
}
