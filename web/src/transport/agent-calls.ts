// What the dashboard asks of a node about sessions of coding agents and questions to people.
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { MergeView, OrderView, PullRequestView, SessionMerge, SessionMessage, SessionView } from '../../../protocols/http/sessions.ts'
import type { Page } from '../../../protocols/http/views.ts'
import { readLogChunks } from './log-stream.ts'

/** What is needed of the REST client. */
type Rest = {
  send(method: string, path: string, init: { accept?: string; body?: unknown; signal: AbortSignal }): Promise<Response>
  get<Answer>(path: string): Promise<Answer>
  post<Answer>(path: string, body?: unknown): Promise<Answer>
}

/** As many as the node lists at once. */
const LISTED_MAX = 500
const PATIENCE_MS = 600_000
/** A patch that is longer is shown as far as this. */
const PATCH_BYTES_MAX = 1024 * 1024

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
  /** Goes on with one that is over. */
  resume(id: string): Promise<SessionView>
  /** Its changes as a patch, as far as a page can show it. */
  diff(id: string): Promise<{ text: string; cut: boolean }>
  merge(id: string, how: SessionMerge): Promise<MergeView>
  /** Opens a pull request. */
  offer(id: string): Promise<PullRequestView>
  /** From the first one; ends when the session does. */
  messages(id: string, signal: AbortSignal): AsyncIterable<SessionMessage>
  /** Open ones first. */
  questions(): Promise<readonly QuestionView[]>
  question(id: string): Promise<QuestionView>
  answer(id: string, answer: { choice: string } | { text: string }): Promise<QuestionView>
}

export function createAgentCalls(rest: Rest): AgentCalls {
  const sessionPath = (id: string) => `/api/sessions/${encodeURIComponent(id)}`
  /** Git clones and pushes before the answer comes. */
  const patient = async <Answer>(path: string, body: object): Promise<Answer> =>
    (await (await rest.send('POST', path, { body, signal: AbortSignal.timeout(PATIENCE_MS) })).json()) as Answer
  const questionPath = (id: string) => `/api/questions/${encodeURIComponent(id)}`
  return {
    sessions: async () => (await rest.get<Page<SessionView>>(`/api/sessions?limit=${LISTED_MAX}`)).items,
    session: (id) => rest.get<SessionView>(sessionPath(id)),
    prompt: (id, text) => rest.post<OrderView>(`${sessionPath(id)}/send`, { text }),
    decide: (id, decision) => rest.post<OrderView>(`${sessionPath(id)}/answer`, decision),
    order: (id, verb) => rest.post<OrderView>(`${sessionPath(id)}/${verb}`),
    move: (id, to) => rest.post<OrderView>(`${sessionPath(id)}/move`, to),
    resume: (id) => rest.post<SessionView>(`${sessionPath(id)}/resume`),
    async diff(id) {
      const response = await rest.send('GET', `${sessionPath(id)}/diff`, { accept: 'text/plain', signal: AbortSignal.timeout(PATIENCE_MS) })
      return response.body === null ? { text: '', cut: false } : textOf(response.body)
    },
    merge: (id, how) => patient<MergeView>(`${sessionPath(id)}/merge`, how),
    offer: (id) => patient<PullRequestView>(`${sessionPath(id)}/pull-request`, {}),
    async *messages(id, signal) {
      const response = await rest.send('GET', `${sessionPath(id)}/messages?follow=true`, { accept: 'application/x-ndjson', signal })
      if (response.body !== null) yield* readLogChunks<SessionMessage>(response.body)
    },
    questions: async () => (await rest.get<Page<QuestionView>>(`/api/questions?limit=${LISTED_MAX}`)).items,
    question: (id) => rest.get<QuestionView>(questionPath(id)),
    answer: (id, answer) => rest.post<QuestionView>(`${questionPath(id)}/answer`, answer),
  }
}

async function textOf(body: ReadableStream<Uint8Array>): Promise<{ text: string; cut: boolean }> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  for (let size = 0; ; ) {
    const { done, value } = await reader.read()
    if (done) return { text: text + decoder.decode(), cut: false }
    size += value.length
    text += decoder.decode(value, { stream: true })
    if (size <= PATCH_BYTES_MAX) continue
    await reader.cancel()
    return { text, cut: true }
  }
}
