// Terminals: open one, list them, attach to one by a WebSocket. To end one is to cancel its task.
import { upgradeWebSocket } from '@hono/node-server'
import type { WebSocket } from 'ws'
import * as z from 'zod'
import type { TerminalView } from '../../../../protocols/terminals/views.ts'
import { terminalRequest, terminalView } from '../../../../protocols/terminals/views.ts'
import type { TaskRequest } from '../../../../protocols/http/task-request.ts'
import { TERMINAL_HISTORY_MAX } from '../../../../protocols/limits.ts'
import { attachMode, clientId } from '../../../../protocols/terminals/frames.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { NimbusError } from '../../../kernel/errors.ts'
import type { Log } from '../../../kernel/log.ts'
import { isUpgrade } from '../../access/require-access.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { given, readBody, readQuery, wholeNumber } from '../../input.ts'
import type { NodePort } from '../../ports.ts'
import type { StreamGate } from '../../streams.ts'
import { converse } from './terminal-socket.ts'

const terminalList = z.object({ items: z.array(terminalView) }).meta({ id: 'Terminals' })
const attachQuery = z.strictObject({
  mode: attachMode.default('read'),
  /** A name for those who see who writes. */
  as: z.string().min(1).max(64).optional(),
  client: clientId.optional(),
  history: wholeNumber(0, TERMINAL_HISTORY_MAX).default(TERMINAL_HISTORY_MAX),
  ticket: z.string().max(128).optional(),
})

export type TerminalRouteComponents = {
  node: Pick<NodePort, 'terminals' | 'publish' | 'findWorker' | 'mesh'>
  clock: Clock
  log: Log
  gate: StreamGate
}

export function terminalRoutes(components: TerminalRouteComponents): Api {
  const { node } = components
  const api = createRoutes()
  api.get(
    '/api/terminals',
    describe({
      id: 'listTerminals',
      tag: 'terminals',
      summary: 'Terminals that have not ended, of all workers',
      answers: { 200: { text: 'Newest first', schema: terminalList } },
    }),
    (c) => c.json({ items: node.terminals.list() }),
  )
  api.post(
    '/api/terminals',
    describe({
      id: 'openTerminal',
      tag: 'terminals',
      summary: 'Opens a terminal on a worker; it goes on when nobody is attached and when that node starts again',
      body: terminalRequest,
      answers: { 201: { text: 'The terminal; its ID is that of its task', schema: terminalView } },
    }),
    async (c) => {
      const { worker, ...request } = await readBody(c, terminalRequest)
      const found = worker === undefined ? node.mesh().self : node.findWorker(worker)
      if (found === undefined)
        throw new NimbusError('worker-unknown', `There is no worker ${worker}.`, { kind: 'missing', cure: 'nimbus worker ls lists them.' })
      const task = { ...given(request), kind: 'terminal', worker: found.peerId, priority: 9, attempts: 1 } as TaskRequest
      const { ids } = await node.publish([task])
      return c.json(viewOf(node, ids[0] ?? ''), 201)
    },
  )
  api.get(
    '/api/terminals/:id',
    describe({
      id: 'getTerminal',
      tag: 'terminals',
      summary: 'One terminal',
      answers: { 200: { text: 'The terminal', schema: terminalView } },
    }),
    (c) => c.json(viewOf(node, c.req.param('id'))),
  )
  attachRoute(api, components)
  return api
}

function attachRoute(api: Api, { node, clock, log, gate }: TerminalRouteComponents): void {
  api.get(
    '/api/terminals/:id/socket',
    describe({
      id: 'attachTerminal',
      tag: 'terminals',
      summary: 'Attaches: binary frames of the terminal come, JSON texts go; a browser asks for a ticket first (POST /api/events/ticket)',
      query: attachQuery,
      answers: { 101: { text: 'WebSocket' } },
    }),
    async (c, next) => {
      const { mode, as, client, history } = readQuery(c, attachQuery)
      const { session } = c.var.caller
      const { id } = viewOf(node, c.req.param('id'))
      if (!isUpgrade(c))
        throw new NimbusError('socket-needed', 'A terminal is attached by a WebSocket.', {
          kind: 'usage',
          cure: 'nimbus session attach ID does it, and so does the dashboard.',
        })
      const leave = gate.enter()
      c.env.incoming.socket.once('close', leave) // also where the handshake never ends
      const who = as ?? (session === undefined ? 'a program' : 'the dashboard')
      const upgrade = upgradeWebSocket(() => ({
        onOpen(_event, context) {
          converse(context.raw as WebSocket, node.terminals.link(id, { client, who, mode, history }), { clock, log, session })
        },
      }))
      return (await upgrade(c, next)) ?? new Response(null, { status: 426 })
    },
  )
}

function viewOf(node: Pick<NodePort, 'terminals'>, id: string): TerminalView {
  const view = node.terminals.find(id)
  if (view !== undefined) return view
  throw new NimbusError('terminal-unknown', `There is no terminal ${JSON.stringify(id.slice(0, 64))}.`, {
    kind: 'missing',
    cure: 'nimbus terminal ls lists them.',
  })
}
