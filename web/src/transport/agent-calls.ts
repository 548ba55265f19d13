// What the dashboard asks of a node about sessions of coding agents and questions to people.
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { OrderView, SessionMessage, SessionView } from '../../../protocols/http/sessions.ts'
import type { Page } from '../../../protocols/http/views.ts'
import { readLogChunks } from './log-stream.ts'

/** What is needed of the REST client. */
type Rest = {
  send(method: string, path: string, init: { accept: string; signal: AbortSignal }): Promise<Response>
  get<Answer>(path: string): Promise<Answer>
  post<Answer>(path: string, body?: unknown): Promise<Answer>
}

/** As many as the node lists at once. */
const LISTED_MAX = 500

type Decision = { request: string; allow: boolean; note?: string }
export type AgentCalls = {
  /** The newest ones. */
  sessions(): Promise<readonly SessionView[]>
  session(id: string): Promise<SessionView>
  prompt(id: string, text: string): Promise<OrderView>
  decide(id: string, decision: Decision): Promise<OrderView>
  order(id: string, verb: 'interrupt' | 'stop'): Promise<OrderView>
  /** Another worker goes on with it; `now`: in the middle of a call too. */
  move(id: string, to: { worker: string; now: boolean }): Promise<OrderView>
  /** From the first one; ends when the session does. */
  messages(id: string, signal: AbortSignal): AsyncIterable<SessionMessage>
  /** Open ones first. */
  questions(): Promise<readonly QuestionView[]>
  question(id: string): Promise<QuestionView>
  answer(id: string, answer: { choice: string } | { text: string }): Promise<QuestionView>
}

export function createAgentCalls(rest: Rest): AgentCalls {
  const sessionPath = (id: string) => `/api/sessions/${encodeURIComponent(id)}`
  const questionPath = (id: string) => `/api/questions/${encodeURIComponent(id)}`
  return {
    sessions: async () => (await rest.get<Page<SessionView>>(`/api/sessions?limit=${LISTED_MAX}`)).items,
    session: (id) => rest.get<SessionView>(sessionPath(id)),
    prompt: (id, text) => rest.post<OrderView>(`${sessionPath(id)}/send`, { text }),
    decide: (id, decision) => rest.post<OrderView>(`${sessionPath(id)}/answer`, decision),
    order: (id, verb) => rest.post<OrderView>(`${sessionPath(id)}/${verb}`),
    move: (id, to) => rest.post<OrderView>(`${sessionPath(id)}/move`, to),
    async *messages(id, signal) {
      const response = await rest.send('GET', `${sessionPath(id)}/messages?follow=true`, { accept: 'application/x-ndjson', signal })
      if (response.body !== null) yield* readLogChunks<SessionMessage>(response.body)
    },
    questions: async () => (await rest.get<Page<QuestionView>>(`/api/questions?limit=${LISTED_MAX}`)).items,
    question: (id) => rest.get<QuestionView>(questionPath(id)),
    answer: (id, answer) => rest.post<QuestionView>(`${questionPath(id)}/answer`, answer),
  }
}
