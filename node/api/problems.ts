// Turns errors into problem documents (RFC 9457). Only NimbusErrors speak to the client; any other error is a fault of
// ours, whose text goes to the log and never over the wire.
import type { Context } from 'hono'
import type * as z from 'zod'
import type { Problem } from '../../protocols/http/views.ts'
import type { ErrorKind } from '../kernel/errors.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'

export type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 415 | 421 | 429 | 500 | 502 | 503 | 504

const STATUS_OF_KIND: Record<ErrorKind, ProblemStatus> = {
  usage: 400,
  missing: 404,
  refused: 403,
  busy: 503,
  unreachable: 502,
  failed: 500,
}
/** Codes whose status says more than their kind. */
const STATUS_OF_CODE: Record<string, ProblemStatus> = {
  'sign-in-needed': 401,
  'token-wrong': 401,
  'token-expired': 401,
  'token-revoked': 401,
  'token-elsewhere': 401,
  'wrong-host': 421,
  'body-too-large': 413,
  'blob-too-large': 413,
  'not-json': 415,
  'not-bytes': 415,
  'method-unknown': 405,
  'rate-limited': 429,
  quota: 429,
  'task-ended': 409,
  'task-running': 409,
  'schedule-exists': 409,
  'group-has-majority': 409,
  'question-answered': 409,
  'question-withdrawn': 409,
  'question-exists': 409,
  timeout: 504,
}
const TITLES: Record<ProblemStatus, string> = {
  400: 'Bad request',
  401: 'Sign-in needed',
  403: 'Refused',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Too large',
  415: 'Wrong type of body',
  421: 'Wrong host',
  429: 'Too many requests',
  500: 'Failed',
  502: 'Unreachable',
  503: 'Busy',
  504: 'No answer in time',
}
const ISSUES_MAX = 20
const RETRY_AFTER_SECONDS = '1'

/** The answer for whatever a handler threw. */
export function problemResponse(error: unknown, log: Log): Response {
  if (!(error instanceof NimbusError)) log.error({ err: error }, 'request failed by a fault of ours')
  const known =
    error instanceof NimbusError
      ? error
      : new NimbusError('internal', 'Nimbus made a mistake while answering.', {
          cure: 'Look into the log of this node (nimbus logs) and report it.',
        })
  const document = problemOf(known)
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  if (document.status === 429 || document.status === 503) headers['retry-after'] = RETRY_AFTER_SECONDS
  if (document.status === 401) headers['www-authenticate'] = 'Bearer realm="nimbus"'
  return new Response(JSON.stringify(document), { status: document.status, headers })
}

function problemOf(error: NimbusError): Problem {
  const status = STATUS_OF_CODE[error.code] ?? (error.code.endsWith('-timeout') ? 504 : STATUS_OF_KIND[error.kind])
  const errors = error.details['errors'] as Problem['errors']
  return {
    type: `urn:nimbus:problem:${error.code}`,
    title: TITLES[status],
    status,
    code: error.code,
    detail: error.message,
    ...(error.cure === undefined ? {} : { cure: error.cure }),
    ...(errors === undefined ? {} : { errors }),
  }
}

/** What a schema found, field by field; foreign values are never repeated. */
export function invalidInput(what: string, error: z.ZodError): NimbusError {
  const errors = error.issues.slice(0, ISSUES_MAX).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys')
      return [{ path: issue.path.map(String).join('.').slice(0, 200), message: issue.message.slice(0, 200) }]
    return issue.keys
      .slice(0, ISSUES_MAX)
      .map((key) => ({ path: [...issue.path.map(String), key].join('.').slice(0, 200), message: 'is not a known key' }))
  })
  const first = errors[0]
  const where = first === undefined || first.path === '' ? '' : `${first.path}: `
  return new NimbusError('invalid-input', `The ${what} is not valid. ${where}${first?.message ?? 'unknown reason'}.`, {
    kind: 'usage',
    cure: 'Correct the fields under `errors`; /docs describes each of them.',
    details: { errors },
  })
}

export function notFound(what: string, id: string): NimbusError {
  return new NimbusError(`${what}-unknown`, `There is no ${what} ${JSON.stringify(id.slice(0, 100))} in this mesh.`, {
    kind: 'missing',
    cure: `List them with GET /api/${what}s or nimbus ${what} ls.`,
  })
}

/** For routes that do not exist; says which methods the path has, if any. */
export function noRoute(context: Context): NimbusError {
  return new NimbusError('route-unknown', `There is no ${context.req.method} ${context.req.path.slice(0, 200)}.`, {
    kind: 'missing',
    cure: 'GET /api/openapi.json lists every route.',
  })
}
