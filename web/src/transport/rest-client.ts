// JSON over HTTP to the node that served this page, and to no other origin. Every request has a deadline.
import { ApiError, problemOf } from './api-error.ts'
import type { Session } from './transport.ts'

/** A node answers from its own memory; the slowest call waits for a majority of keepers. */
const REQUEST_TIMEOUT_MS = 20_000

export function createRestClient(options: { fetch: typeof fetch; onSignedOut: () => void }) {
  let csrf = ''

  async function send(
    method: string,
    path: string,
    init: { body?: unknown; accept?: string; signal?: AbortSignal } = {},
  ): Promise<Response> {
    const headers: Record<string, string> = { accept: init.accept ?? 'application/json' }
    if (method !== 'GET') {
      headers['content-type'] = 'application/json'
      headers['x-nimbus-csrf'] = csrf
    }
    const what = `${method} ${path}`
    let response: Response
    try {
      response = await options.fetch(path, {
        method,
        headers,
        credentials: 'same-origin',
        cache: 'no-store',
        signal: init.signal ?? AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        ...(method === 'GET' ? {} : { body: JSON.stringify(init.body ?? {}) }),
      })
    } catch (cause) {
      if (init.signal?.aborted) throw cause
      throw unreachable(what, cause)
    }
    if (response.ok) return response
    if (response.status === 401) options.onSignedOut()
    throw await problemOf(response, what)
  }

  async function json<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await send(method, path, { body })
    return (await response.json()) as Answer
  }

  return {
    send,
    get: <Answer>(path: string) => json<Answer>('GET', path),
    post: <Answer>(path: string, body?: unknown) => json<Answer>('POST', path, body),
    async session(): Promise<Session> {
      const answer = await json<{ signedIn: boolean; csrf?: string; auth?: 'token' | 'none' }>('GET', '/api/session')
      csrf = answer.csrf ?? ''
      return { signedIn: answer.signedIn, auth: answer.auth ?? 'token' }
    },
  }
}

function unreachable(what: string, cause: unknown): ApiError {
  const late = cause instanceof DOMException && cause.name === 'TimeoutError'
  return new ApiError({
    code: late ? 'timeout' : 'unreachable',
    detail: late ? `${what} had no answer within ${REQUEST_TIMEOUT_MS / 1000} s.` : `${what} did not reach the node that serves this page.`,
    status: 0,
    cure: 'See whether the node still runs: nimbus status',
  })
}
