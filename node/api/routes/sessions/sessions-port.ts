// What the API asks of the room of agents about sessions.
import type {
  MergeView,
  OrderView,
  PullRequestView,
  SessionAnswer,
  SessionMerge,
  SessionMessage,
  SessionMove,
  SessionOffer,
  SessionRequest,
  SessionView,
} from '../../../../protocols/http/sessions.ts'
import type { Page } from '../../../../protocols/http/views.ts'

/** Sessions of coding agents. An order is done by the session's worker, when it can be reached. */
export type SessionsPort = {
  list(query: { limit: number; cursor?: string; q?: string }): Page<SessionView>
  find(id: string): SessionView | undefined
  start(request: SessionRequest): Promise<SessionView>
  /** Goes on with a session that is over. */
  send(id: string, order: { text: string; budgetUsd?: number | undefined }): Promise<OrderView>
  interrupt(id: string): Promise<OrderView>
  stop(id: string): Promise<OrderView>
  /** The first answer to a request counts; `won` says whether it was this one. */
  answer(id: string, answer: SessionAnswer): Promise<OrderView>
  resume(id: string, how: { budgetUsd?: number | undefined }): Promise<SessionView>
  /** Another worker goes on with it. */
  move(id: string, to: SessionMove): Promise<OrderView>
  /** What it said and did, from the first task on; with `follow` until it ends. */
  messages(id: string, query: { follow: boolean; signal: AbortSignal }): AsyncIterable<SessionMessage>
  /** Merges its commits into a branch of the origin and pushes that. */
  merge(id: string, how: SessionMerge, signal: AbortSignal): Promise<MergeView>
  /** Pushes its own branch and opens a pull request at the origin's server. */
  offer(id: string, how: SessionOffer, signal: AbortSignal): Promise<PullRequestView>
  /** The changes as a patch. */
  diff(id: string, signal: AbortSignal): Promise<{ size: number; bytes: AsyncIterable<Uint8Array> }>
}
