// Sessions of coding agents: start, look, give orders, answer what they ask. Any node answers for the whole mesh.
import * as z from 'zod'
import {
  mergeView,
  orderView,
  pullRequestView,
  sessionAnswer,
  sessionMerge,
  sessionMessage,
  sessionMove,
  sessionOffer,
  sessionRequest,
  sessionResume,
  sessionSend,
  sessionView,
} from '../../../../protocols/http/sessions.ts'
import { describe } from '../../describe.ts'
import type { Api } from '../../env.ts'
import { createRoutes } from '../../env.ts'
import { flag, given, listQuery, readBody, readQuery } from '../../input.ts'
import type { SessionsPort } from './sessions-port.ts'
import { notFound } from '../../problems.ts'
import type { StreamGate } from '../../streams.ts'
import { streamOf } from '../../streams.ts'

const LINES = 'application/x-ndjson'
const tag = 'sessions'
const sessionPage = z.object({ items: z.array(sessionView), next: z.string().optional() }).meta({ id: 'SessionPage' })
const followQuery = z.strictObject({ follow: flag })
const ordered = {
  200: { text: 'Its worker has done it', schema: orderView },
  202: { text: 'Recorded; its worker does it when it can be reached', schema: orderView },
}

export function agentSessionRoutes(sessions: SessionsPort, gate: StreamGate): Api {
  const api = createRoutes()
  addReading(api, sessions, gate)
  addMerge(api, sessions)
  addMove(api, sessions)
  const one = { text: 'The session', schema: sessionView }
  api.post(
    '/api/sessions',
    describe({ id: 'startSession', tag, summary: 'Start a session of a coding agent', body: sessionRequest, answers: { 201: one } }),
    async (c) => c.json(await sessions.start(await readBody(c, sessionRequest)), 201),
  )
  api.post(
    '/api/sessions/:id/send',
    describe({
      id: 'sendToSession',
      tag,
      summary: 'Give it a prompt or a slash command; a session that is over goes on',
      body: sessionSend,
      answers: ordered,
    }),
    async (c) => {
      const view = await sessions.send(c.req.param('id'), await readBody(c, sessionSend))
      return c.json(view, view.taken ? 200 : 202)
    },
  )
  api.post(
    '/api/sessions/:id/answer',
    describe({
      id: 'answerSession',
      tag,
      summary: 'Allow or refuse what it asks; the first answer counts',
      body: sessionAnswer,
      answers: ordered,
    }),
    async (c) => {
      const view = await sessions.answer(c.req.param('id'), await readBody(c, sessionAnswer))
      return c.json(view, view.taken ? 200 : 202)
    },
  )
  for (const verb of ['interrupt', 'stop'] as const)
    api.post(
      `/api/sessions/:id/${verb}`,
      describe({
        id: `${verb}Session`,
        tag,
        summary: verb === 'stop' ? 'End it and put its work away' : 'End its turn, not the session',
        answers: ordered,
      }),
      async (c) => {
        const view = await sessions[verb](c.req.param('id') ?? '')
        return c.json(view, view.taken ? 200 : 202)
      },
    )
  api.post(
    '/api/sessions/:id/resume',
    describe({ id: 'resumeSession', tag, summary: 'Go on with a session that is over', body: sessionResume, answers: { 200: one } }),
    async (c) => c.json(await sessions.resume(c.req.param('id'), await readBody(c, sessionResume))),
  )
  return api
}

function addMove(api: Api, sessions: SessionsPort): void {
  api.post(
    '/api/sessions/:id/move',
    describe({
      id: 'moveSession',
      tag,
      summary: 'Another worker goes on with it; where its worker is gone, from what that one saved',
      body: sessionMove,
      answers: ordered,
    }),
    async (c) => {
      const view = await sessions.move(c.req.param('id'), await readBody(c, sessionMove))
      return c.json(view, view.taken ? 200 : 202)
    },
  )
}

function addMerge(api: Api, sessions: SessionsPort): void {
  api.post(
    '/api/sessions/:id/merge',
    describe({
      id: 'mergeSession',
      tag,
      summary: 'Merge its commits into a branch of the origin and push it; conflicts are told, nothing is forced',
      body: sessionMerge,
      answers: { 200: { text: 'What became of it', schema: mergeView } },
    }),
    async (c) => c.json(await sessions.merge(c.req.param('id'), await readBody(c, sessionMerge), c.req.raw.signal)),
  )
  api.post(
    '/api/sessions/:id/pull-request',
    describe({
      id: 'offerSession',
      tag,
      summary: 'Push its branch to the origin and open a pull request there; one that is open already is answered again',
      body: sessionOffer,
      answers: { 200: { text: 'The pull request', schema: pullRequestView } },
    }),
    async (c) => c.json(await sessions.offer(c.req.param('id'), await readBody(c, sessionOffer), c.req.raw.signal)),
  )
}

function addReading(api: Api, sessions: SessionsPort, gate: StreamGate): void {
  api.get(
    '/api/sessions',
    describe({
      id: 'listSessions',
      tag,
      summary: 'Sessions, newest first',
      query: listQuery,
      answers: { 200: { text: 'One page', schema: sessionPage } },
    }),
    (c) => {
      const { limit, cursor, q } = readQuery(c, listQuery)
      return c.json(sessions.list({ limit, ...given({ cursor, q }) }))
    },
  )
  api.get(
    '/api/sessions/:id',
    describe({ id: 'getAgentSession', tag, summary: 'One session', answers: { 200: { text: 'The session', schema: sessionView } } }),
    (c) => {
      const view = sessions.find(c.req.param('id'))
      if (view === undefined) throw notFound('session', c.req.param('id'))
      return c.json(view)
    },
  )
  api.get(
    '/api/sessions/:id/messages',
    describe({
      id: 'getSessionMessages',
      tag,
      summary: 'What it said and did, as JSON lines',
      query: followQuery,
      answers: { 200: { text: 'One SessionMessage a line', type: LINES, schema: sessionMessage } },
    }),
    (c) => {
      const { follow } = readQuery(c, followQuery)
      const id = c.req.param('id')
      if (sessions.find(id) === undefined) throw notFound('session', id)
      const leave = gate.enter()
      const gone = new AbortController()
      const end = () => {
        leave()
        gone.abort()
      }
      return c.body(streamOf(encoded(sessions.messages(id, { follow, signal: gone.signal })), end), 200, {
        'content-type': LINES,
        'cache-control': 'no-store',
      })
    },
  )
  api.get(
    '/api/sessions/:id/diff',
    describe({ id: 'getSessionDiff', tag, summary: 'Its changes as a patch', answers: { 200: { text: 'A patch', type: 'text/plain' } } }),
    async (c) => {
      const leave = gate.enter()
      const gone = new AbortController()
      const end = () => {
        leave()
        gone.abort()
      }
      try {
        const { size, bytes } = await sessions.diff(c.req.param('id'), gone.signal)
        return c.body(streamOf(bytes, end), 200, {
          'content-type': 'text/plain; charset=utf-8',
          'content-length': String(size),
          'cache-control': 'no-store',
        })
      } catch (error) {
        end()
        throw error
      }
    },
  )
}

async function* encoded(messages: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const message of messages) yield `${JSON.stringify(message)}\n`
}
