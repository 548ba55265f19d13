// After the guard: who calls, and may they. Runs before every route that is not open to all.
import type { Context, MiddlewareHandler } from 'hono'
import { NimbusError } from '../../kernel/errors.ts'
import type { Actor } from '../ports.ts'
import type { Auth, Caller } from './auth.ts'
import { OPERATOR } from './auth.ts'
import type { NodePort } from '../ports.ts'
import { cutOff } from './cut-off.ts'
import { mayAsk } from './rights.ts'
import type { ApiEnv } from '../env.ts'
import { requireBytesType, requireJsonType } from '../input.ts'
import { addressOf } from '../env.ts'

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])
const BLOBS = '/api/blobs'
const CSRF_HEADER = 'x-nimbus-csrf'

export function requireAccess(auth: Auth, node: Pick<NodePort, 'isBelow'>): MiddlewareHandler<ApiEnv> {
  return async function access(c, next) {
    const caller = isUpgrade(c) ? callerOfSocket(c, auth) : auth.identify(c.req.raw.headers, addressOf(c))
    if (!SAFE_METHODS.has(c.req.method)) {
      if (c.req.path === BLOBS) requireBytesType(c.req.raw.headers)
      else requireJsonType(c.req.raw.headers)
      if (caller.session !== undefined && c.req.header(CSRF_HEADER) !== caller.session.csrf) {
        throw new NimbusError('csrf', `The header ${CSRF_HEADER} is missing or does not belong to this session.`, {
          kind: 'refused',
          cure: 'Read it from GET /api/session; reload the dashboard.',
        })
      }
    }
    const { actor } = caller
    const asked = { method: c.req.method, path: c.req.path, entity: c.req.query('entity') }
    if (!mayAll(actor) && !mayAsk(node, actor, asked)) throw outOfScope(actor)
    if (caller.ended !== undefined) cutOff(c.env.incoming.socket, caller.ended)
    c.set('caller', caller)
    await next()
  }
}

function mayAll(actor: Actor): actor is Extract<Actor, { kind: 'operator' | 'user' }> {
  return actor.kind === 'operator' || (actor.kind === 'user' && actor.all)
}

function outOfScope({ kind, verbs }: Exclude<Actor, { kind: 'operator' }>): NimbusError {
  const held = verbs.join(', ') || 'no verb'
  return new NimbusError(kind === 'task' ? 'task-token' : 'token-scope', `This token may not ask for that: it holds ${held}.`, {
    kind: 'refused',
    cure: `${kind === 'task' ? 'Publish the task with the verb that it needs' : 'Make a token with the verb that it needs'} (--may), or use the operator's token.`,
  })
}

export function isUpgrade(c: Context<ApiEnv>): boolean {
  return c.req.header('upgrade')?.toLowerCase() === 'websocket'
}

/**
 * A browser opens sockets to anywhere and sends its cookies along: so it has to show its Origin (which the guard has
 * compared) and a ticket that only a page of ours can ask for. Programs send their token instead.
 */
function callerOfSocket(c: Context<ApiEnv>, auth: Auth): Caller {
  if (c.req.header('authorization') !== undefined) return auth.identify(c.req.raw.headers, addressOf(c))
  if (c.req.header('origin') === undefined) {
    throw new NimbusError('origin-needed', 'A WebSocket needs an Origin, or a token in the Authorization header.', {
      kind: 'refused',
      cure: 'Send Authorization: Bearer TOKEN.',
    })
  }
  const ticket = c.req.query('ticket')
  if (ticket !== undefined) return auth.redeemTicket(ticket, addressOf(c))
  if (auth.mode === 'none') return { actor: OPERATOR }
  throw new NimbusError('sign-in-needed', 'A WebSocket of a browser needs a ticket.', {
    kind: 'refused',
    cure: 'Ask for one: POST /api/events/ticket.',
  })
}
