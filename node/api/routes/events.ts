// The one stream of events: as WebSocket, or as server-sent events when asked for. The node says a gap with `resync`;
// a reader that stays behind is cut off (1013) rather than kept in memory.
import { upgradeWebSocket } from '@hono/node-server'
import type { Context } from 'hono'
import type { WebSocket } from 'ws'
import * as z from 'zod'
import { eventView } from '../../../protocols/http/views.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Log } from '../../kernel/log.ts'
import { isUpgrade } from '../access/require-access.ts'
import type { Auth } from '../access/auth.ts'
import { describe } from '../describe.ts'
import type { Api, ApiEnv } from '../env.ts'
import { createRoutes } from '../env.ts'
import { sendEvents } from './event-socket.ts'
import { given, readNoBody, readQuery } from '../input.ts'
import type { NodePort, StreamEvent } from '../ports.ts'
import type { StreamGate } from '../streams.ts'
import { streamOf, withHeartbeat } from '../streams.ts'

const HEARTBEAT_MS = 15_000
const TYPE = /^[a-z]+\.([a-z]+|\*)$/
const eventQuery = z.strictObject({
  since: z.string().min(1).max(256).optional(),
  types: z
    .string()
    .max(1000)
    .transform((text) => text.split(','))
    .refine((types) => types.every((type) => TYPE.test(type)), 'must be types such as task.updated or task.*, separated by commas')
    .optional(),
  entity: z.string().min(1).max(200).optional(),
  ticket: z.string().max(128).optional(),
})
const ticketView = z.object({ ticket: z.string() }).meta({ id: 'EventTicket' })

export type EventComponents = { node: Pick<NodePort, 'events'>; auth: Auth; clock: Clock; log: Log; gate: StreamGate }

export function eventRoutes(components: EventComponents): Api {
  const api = createRoutes()
  api.post(
    '/api/events/ticket',
    describe({
      id: 'createEventTicket',
      tag: 'events',
      summary: 'A ticket for one WebSocket, good once within half a minute',
      answers: { 201: { text: 'The ticket', schema: ticketView } },
    }),
    async (c) => {
      await readNoBody(c)
      return c.json({ ticket: components.auth.createTicket(c.var.caller) }, 201, { 'cache-control': 'no-store' })
    },
  )

  const answers = {
    101: { text: 'WebSocket: one event a message' },
    200: { text: 'Server-sent events', type: 'text/event-stream', schema: eventView },
  }
  api.get(
    '/api/events',
    describe({
      id: 'getEvents',
      tag: 'events',
      summary: 'Events of the whole mesh; `since` takes the cursor of any node',
      query: eventQuery,
      answers,
    }),
    async (c, next) => {
      const query = readQuery(c, eventQuery)
      if (isUpgrade(c)) return socket(c, next, query, components)
      if (c.req.header('accept')?.includes('text/event-stream') === true) return serverSent(c, query, components)
      throw new NimbusError('stream-needed', 'Events come as a stream.', {
        kind: 'usage',
        cure: 'Open a WebSocket, or send Accept: text/event-stream.',
      })
    },
  )
  return api
}

type EventQuery = z.output<typeof eventQuery>

async function socket(c: Context<ApiEnv>, next: () => Promise<void>, query: EventQuery, components: EventComponents): Promise<Response> {
  const { clock, log, gate, node } = components
  const { session } = c.var.caller
  const leave = gate.enter()
  c.env.incoming.socket.once('close', leave) // also where the handshake never ends
  const upgrade = upgradeWebSocket(() => ({
    onOpen(_event, context) {
      const events = (signal: AbortSignal) => chosen(node.events({ ...given({ since: query.since }), signal }), query)
      sendEvents(context.raw as WebSocket, events, { clock, log, session })
    },
  }))
  return (await upgrade(c, next)) ?? new Response(null, { status: 426 })
}

function serverSent(c: Context<ApiEnv>, query: EventQuery, { node, clock, gate }: EventComponents): Response {
  const leave = gate.enter()
  const gone = new AbortController()
  const { session } = c.var.caller
  const since = query.since ?? c.req.header('last-event-id') // a browser that reconnects says where it was
  const end = () => {
    leave()
    gone.abort()
  }
  session?.ended.signal.addEventListener('abort', end, { once: true })
  const events = withHeartbeat(chosen(node.events({ ...given({ since }), signal: gone.signal }), query), undefined, clock, HEARTBEAT_MS)
  return c.body(streamOf(serverSentText(events, gone.signal), end), 200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
  })
}

async function* serverSentText(events: AsyncIterable<StreamEvent | undefined>, gone: AbortSignal): AsyncGenerator<string> {
  yield ': events\n\n' // tells the client at once that the stream is open
  for await (const event of events) {
    if (gone.aborted) return
    if (event === undefined) yield ':\n\n'
    else yield `${'cursor' in event ? `id: ${event.cursor}\n` : ''}data: ${JSON.stringify(event)}\n\n`
  }
}

async function* chosen(events: AsyncIterable<StreamEvent>, query: EventQuery): AsyncGenerator<StreamEvent> {
  for await (const event of events) if (isWanted(event, query)) yield event
}

/** `entity` is a kind (`task`), an ID, or both as `task/ID`. A gap concerns everybody. */
function isWanted(event: StreamEvent, query: Pick<EventQuery, 'types' | 'entity'>): boolean {
  if (!('cursor' in event)) return true
  if (query.entity !== undefined && ![event.entity, event.id, `${event.entity}/${event.id}`].includes(query.entity)) return false
  return (
    query.types === undefined ||
    query.types.some((type) => type === event.type || (type.endsWith('.*') && event.type.startsWith(type.slice(0, -1))))
  )
}
