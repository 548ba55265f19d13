// Tokens as a node makes, checks and revokes them. A token is `nimu-ID-SECRET`; of the secret only a hash is ever kept. What it may is
// looked at anew with every request, and the moment it may no more, whatever is open with it is told.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { TokenRecord, TokenRole } from '../../../protocols/access/token-records.ts'
import { idOfToken } from '../../../protocols/access/token-records.ts'
import type { Verb } from '../../../protocols/agents/capability.ts'
import { VERBS } from '../../../protocols/agents/capability.ts'
import type { MadeToken, RevokedToken, TokenRequest, TokenView } from '../../../protocols/access/token-views.ts'
import type { PeerId, TokenId } from '../../../protocols/ids.ts'
import { isTokenId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { repeat } from '../../kernel/clock.ts'
import { parseDuration } from '../../kernel/durations.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import type { KnownToken, TokenBook } from './token-book.ts'

/** What a request with a token may, and when that ends. */
export type TokenGrant = { id: TokenId; name: string; role: TokenRole; verbs: readonly Verb[]; ended: AbortSignal }

export type TokenDesk = {
  list(): TokenView[]
  create(request: TokenRequest): Promise<MadeToken>
  /** By ID, or by its name where only one valid token has it. */
  revoke(which: string): Promise<RevokedToken>
  /**
   * Undefined where the text is no token of this mesh.
   * @throws NimbusError `token-expired`, `token-revoked`, `token-elsewhere`: only to whom holds the whole text
   */
  check(text: string): TokenGrant | undefined
  /** A revocation arrived. */
  noteRevoked(id: TokenId): void
  start(): void
  stop(): void
}

export type TokenDeskComponents = {
  self: PeerId
  clock: Clock
  random: Pick<Random, 'bytes'>
  book: Pick<TokenBook, 'find' | 'isRevoked' | 'all'>
  append(entry: Entry): number
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  nameOf(peer: PeerId): string
  /** An admin of the mesh now: neither removed nor gone. */
  isAdmin(peer: PeerId): boolean
  /** @throws NimbusError where this node may not write */
  assertMayWrite(deed: string): void
  onError(error: unknown): void
}

const TEXT = /^nimu-([0-9a-z]{26})-([A-Za-z0-9_-]{43})$/
const ACKNOWLEDGE_MS = 1_500
/** How often it is looked whether what is in use may still be: for expiry, and for admins that are admins no more. */
const SWEEP_MS = 1_000
const LIFE_MS_MIN = 1_000
const LIFE_MS_MAX = 90 * 86_400_000

const ROLE_VERBS: Record<Exclude<TokenRole, 'custom'>, readonly Verb[]> = {
  viewer: ['mesh.read', 'task.read', 'repo.read', 'knowledge.read'],
  developer: VERBS.filter((verb) => verb !== 'progress.report'),
  operator: [],
}

export function createTokenDesk(components: TokenDeskComponents): TokenDesk {
  const { self, clock, random, book, isAdmin } = components
  /** Tokens that were used since this process started; no more than the book has. */
  const inUse = new Map<TokenId, AbortController>()
  let stopSweep: Cancel = () => {}

  const stateOf = ({ record }: KnownToken): TokenView['state'] =>
    book.isRevoked(record.id) ? 'revoked' : record.expiresAt <= clock.wallMs() ? 'expired' : 'valid'
  const countsHere = ({ author }: KnownToken): boolean => author === self || isAdmin(author)
  const viewOf = (token: KnownToken): TokenView => {
    const { id, name, role, createdAt, expiresAt } = token.record
    const by = components.nameOf(token.author)
    return {
      id,
      name,
      role,
      verbs: verbsOf(token.record),
      at: isAdmin(token.author) ? 'mesh' : by,
      by,
      createdAt,
      expiresAt,
      state: stateOf(token),
    }
  }
  const refusalOf = (token: KnownToken): NimbusError | undefined => {
    const state = stateOf(token)
    const { name, expiresAt } = token.record
    if (state === 'revoked') return refused('token-revoked', `The token ${name} was revoked.`)
    if (state === 'expired') return refused('token-expired', `The token ${name} was good until ${new Date(expiresAt).toISOString()}.`)
    if (countsHere(token)) return undefined
    const by = components.nameOf(token.author)
    return refused('token-elsewhere', `The token ${name} counts only at ${by}, which made it and is no admin of this mesh.`)
  }
  const endRefused = (): void => {
    for (const [id, ended] of inUse) {
      const token = book.find(id)
      if (token !== undefined && refusalOf(token) === undefined) continue
      inUse.delete(id)
      ended.abort()
    }
  }
  const named = (which: string): KnownToken => {
    const byId = isTokenId(which) ? book.find(which) : undefined
    if (byId !== undefined) return byId
    const [first, ...others] = book.all().filter((token) => token.record.name === which && stateOf(token) === 'valid')
    if (first !== undefined && others.length === 0) return first
    if (first === undefined)
      throw new NimbusError('token-unknown', `There is no valid token ${which.slice(0, 100)}.`, {
        kind: 'missing',
        cure: 'nimbus token ls lists them.',
      })
    throw new NimbusError('token-ambiguous', `${others.length + 1} tokens are named ${which}.`, {
      kind: 'usage',
      cure: `Name one by its ID: ${[first, ...others].map(({ record }) => record.id).join(', ')}.`,
    })
  }

  return {
    list: () => book.all().map(viewOf),
    async create({ name, role, may, expires }) {
      components.assertMayWrite('make tokens')
      const chosen: TokenRole = role ?? (may === undefined ? 'viewer' : 'custom')
      const secret = Buffer.from(random.bytes(32)).toString('base64url')
      const createdAt = clock.wallMs()
      const content = {
        createdAt,
        nonce: random.bytes(16),
        name,
        hash: hashOf(secret),
        role: chosen,
        verbs: chosen === 'custom' ? [...new Set(may)] : [...ROLE_VERBS[chosen]],
        expiresAt: createdAt + lifeOf(expires),
      }
      const record: TokenRecord = { kind: 'token', id: idOfToken(self, content), ...content }
      const durability = await components.durable(components.append(record), ACKNOWLEDGE_MS)
      return { ...viewOf({ record, author: self }), token: `nimu-${record.id}-${secret}`, durability }
    },
    async revoke(which) {
      components.assertMayWrite('revoke tokens')
      const token = named(which)
      const durability = await components.durable(components.append({ kind: 'token-revoked', token: token.record.id }), ACKNOWLEDGE_MS)
      return { ...viewOf(token), durability }
    },
    check(text) {
      const [, id = '', secret = ''] = TEXT.exec(text) ?? []
      const token = isTokenId(id) ? book.find(id) : undefined
      if (token === undefined || !timingSafeEqual(hashOf(secret), token.record.hash)) return undefined
      const refusal = refusalOf(token)
      if (refusal !== undefined) throw refusal
      const { record } = token
      const ended = inUse.get(record.id) ?? new AbortController()
      inUse.set(record.id, ended)
      return { id: record.id, name: record.name, role: record.role, verbs: verbsOf(record), ended: ended.signal }
    },
    noteRevoked: endRefused,
    start() {
      stopSweep = repeat(clock, SWEEP_MS, endRefused, components.onError)
    },
    stop: () => stopSweep(),
  }
}

function verbsOf({ verbs }: TokenRecord): Verb[] {
  return VERBS.filter((verb) => verbs.includes(verb))
}

function lifeOf(expires: TokenRequest['expires']): number {
  const ms = typeof expires === 'number' ? expires : (parseDuration(expires) ?? 0)
  if (ms >= LIFE_MS_MIN && ms <= LIFE_MS_MAX) return ms
  throw new NimbusError('token-life', `A token cannot be good for ${String(expires)}: from 1s to 90d is possible.`, {
    kind: 'usage',
    cure: 'Make it shorter, and a new one in time: a token that never ends is one that nobody remembers.',
  })
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

function refused(code: string, message: string): NimbusError {
  return new NimbusError(code, message, { kind: 'refused', cure: 'Make a new one where the operator is: nimbus token create NAME.' })
}
