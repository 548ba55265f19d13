// Who is calling: the operator's token, a task's token, or a browser session that a one-time link began. Sessions,
// links and tickets are the only state of api/; they are kept as hashes, in memory, each map with its limit.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import { createFailureLimiter } from './failure-limiter.ts'
import type { Actor, TaskTokens } from '../ports.ts'
import type { UserTokens } from '../routes/access/tokens-port.ts'

export type Session = { csrf: string; expiresAt: number; ended: AbortController }
/** A caller that proved who it is. `session` is there where a cookie was the proof; `ended` fires when the token counts no more. */
export type Caller = { actor: Actor; session?: Session; ended?: AbortSignal }

export type Auth = {
  readonly mode: 'token' | 'none'
  /** @throws NimbusError `sign-in-needed`, `token-wrong`, or `rate-limited` after many wrong ones of one address */
  identify(headers: Headers, address: string): Caller
  /** A code for `/sign-in?code=…`, good once and for a minute. */
  createCode(): string
  /** Takes a code; gives the secret of a new session for the cookie. */
  redeemCode(code: string, address: string): string
  /** A pass for a page of another node that may come here: `/sign-in?pass=…`, good once and for `PASS_LIFE_MS`. */
  createPass(): string
  redeemPass(pass: string, address: string): string
  /** A ticket for one WebSocket, good once and for half a minute. */
  createTicket(caller: Caller): string
  redeemTicket(ticket: string, address: string): Caller
  endSession(session: Session): void
  cookie(secret: string): string
}

const CODE_LIFE_MS = 60_000
/** A page asks for a new one each minute, also where the browser slows its timers down. */
export const PASS_LIFE_MS = 180_000
const TICKET_LIFE_MS = 30_000
const SESSION_LIFE_MS = 12 * 3_600_000
/** At each limit the oldest makes room: a person signs in from a few browsers, a page asks for a few tickets. */
const CODES_MAX = 32
const SESSIONS_MAX = 64
const TICKETS_MAX = 256
/** Most are never used: each open page of the mesh holds a few. */
const PASSES_MAX = 1024
export const OPERATOR: Actor = { kind: 'operator' }

export function createAuth(
  components: { clock: Clock; random: Random; token: string; taskTokens?: TaskTokens | undefined; userTokens?: UserTokens | undefined },
  options: { mode: 'token' | 'none'; port: () => number },
): Auth {
  const { clock, random } = components
  const tokenHash = hash(components.token)
  const codes = createOnceMap<true>(clock, CODE_LIFE_MS, CODES_MAX)
  const passes = createOnceMap<true>(clock, PASS_LIFE_MS, PASSES_MAX)
  const tickets = createOnceMap<Caller>(clock, TICKET_LIFE_MS, TICKETS_MAX)
  const sessions = new Map<string, Session>()
  const failures = createFailureLimiter(clock)
  const secret = () => Buffer.from(random.bytes(32)).toString('base64url')
  // Cookies know no ports: two nodes of one machine would overwrite each other's under one name.
  const cookieName = () => `nimbus-${options.port()}`

  function fail(address: string, code: string, message: string, cure: string): never {
    failures.note(address)
    throw new NimbusError(code, message, { kind: 'refused', cure })
  }

  function beginSession(): string {
    const value = secret()
    if (sessions.size >= SESSIONS_MAX) dropOldest(sessions)
    sessions.set(hash(value), { csrf: secret(), expiresAt: clock.wallMs() + SESSION_LIFE_MS, ended: new AbortController() })
    return value
  }

  function fromBearer(given: string, address: string): Caller {
    if (timingSafeEqual(Buffer.from(hash(given)), Buffer.from(tokenHash))) return { actor: OPERATOR }
    const { taskTokens } = components
    const task = taskTokens?.taskOf(given)
    if (task !== undefined) return { actor: { kind: 'task', task, verbs: taskTokens?.verbsOf(task) ?? [] } }
    const user = components.userTokens?.check(given)
    if (user !== undefined) {
      const { id, name, role, verbs, ended } = user
      return { actor: { kind: 'user', token: id, name, all: role === 'operator', verbs }, ended }
    }
    return fail(address, 'token-wrong', 'The token is not one of this node.', 'Use the one in the file `token` of its data folder.')
  }

  function fromCookie(headers: Headers): Caller | undefined {
    const value = cookieValue(headers.get('cookie') ?? '', cookieName())
    if (value === undefined) return undefined
    const session = sessions.get(hash(value))
    if (session === undefined || session.expiresAt <= clock.wallMs() || session.ended.signal.aborted) return undefined
    return { actor: OPERATOR, session }
  }

  return {
    mode: options.mode,
    identify(headers, address) {
      if (options.mode === 'none') return { actor: OPERATOR }
      const bearer = /^Bearer ([^\s]{1,512})$/i.exec(headers.get('authorization') ?? '')?.[1]
      if (bearer !== undefined) return fromBearer(bearer, address)
      const caller = fromCookie(headers)
      if (caller !== undefined) return caller
      // Nothing was guessed, so nothing is counted.
      throw new NimbusError('sign-in-needed', 'This needs a token or a signed-in browser.', {
        kind: 'refused',
        cure: 'Run `nimbus open` for the dashboard; send Authorization: Bearer TOKEN from elsewhere.',
      })
    },
    createCode() {
      const code = secret()
      codes.put(hash(code), true)
      return code
    },
    redeemCode(code, address) {
      if (codes.take(hash(code)) === undefined)
        fail(address, 'sign-in-needed', 'This sign-in link was used before, or is older than a minute.', 'Run `nimbus open` for a new one.')
      return beginSession()
    },
    createPass() {
      const pass = secret()
      passes.put(hash(pass), true)
      return pass
    },
    redeemPass(pass, address) {
      if (passes.take(hash(pass)) === undefined)
        fail(address, 'sign-in-needed', 'The pass of this page was used before, or is too old.', 'Run `nimbus open` for a new link.')
      return beginSession()
    },
    createTicket(caller) {
      const ticket = secret()
      tickets.put(hash(ticket), caller)
      return ticket
    },
    redeemTicket(ticket, address) {
      const caller = tickets.take(hash(ticket))
      if (caller === undefined || caller.session?.ended.signal.aborted === true || caller.ended?.aborted === true)
        return fail(
          address,
          'sign-in-needed',
          'This ticket was used before, or is older than half a minute.',
          'Ask for a new one: POST /api/events/ticket.',
        )
      return caller
    },
    endSession(session) {
      session.ended.abort()
      for (const [key, value] of sessions) if (value === session) sessions.delete(key)
    },
    cookie: (value) => `${cookieName()}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION_LIFE_MS / 1000}`,
  }
}

/** Values that can be taken once within their life; the oldest goes when the map is full. */
function createOnceMap<Value>(clock: Clock, lifeMs: number, max: number) {
  const entries = new Map<string, { value: Value; expiresAt: number }>()
  return {
    put(key: string, value: Value): void {
      if (entries.size >= max) entries.delete(entries.keys().next().value ?? '')
      entries.set(key, { value, expiresAt: clock.nowMs() + lifeMs })
    },
    take(key: string): Value | undefined {
      const entry = entries.get(key)
      entries.delete(key)
      return entry !== undefined && entry.expiresAt > clock.nowMs() ? entry.value : undefined
    },
  }
}

function dropOldest(sessions: Map<string, Session>): void {
  const [key, session] = sessions.entries().next().value ?? []
  session?.ended.abort()
  if (key !== undefined) sessions.delete(key)
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function cookieValue(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const [key, value] = pair.trim().split('=', 2)
    if (key === name) return value
  }
  return undefined
}
