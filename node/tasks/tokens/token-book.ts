// The tokens that the logs tell of, and which were revoked. A part of the fold: pure, in any order. Whatever has to be forgotten for want
// of room is refused from then on: forgetting never lets anybody in.
import type { Block } from '../../../protocols/blocks.ts'
import type { TokenRecord } from '../../../protocols/access/token-records.ts'
import { idOfToken } from '../../../protocols/access/token-records.ts'
import type { PeerId, TokenId } from '../../../protocols/ids.ts'
import { timeOfId } from '../../../protocols/ids.ts'
import { FUTURE_MS_MAX } from '../../../protocols/limits.ts'
import type { Entry } from '../../../protocols/records.ts'
import { hlcToMs } from '../../kernel/hlc.ts'
import { createNewest } from '../../replication/newest.ts'
import type { FoldPart } from '../fold/fold.ts'

export type KnownToken = { record: TokenRecord; author: PeerId }
export type TokenBook = {
  part: FoldPart
  find(id: TokenId): KnownToken | undefined
  isRevoked(id: TokenId): boolean
  /** Newest first. */
  all(): KnownToken[]
}

/** Every member keeps them in memory. More than these at a time means that nobody looks after them. */
const TOKENS_MAX = 2_000
/** Twice as many: a token outlives its place among the newest only as a refused one. */
const REVOCATIONS_MAX = 4_000

/** @param onRevoked hears of each revocation when it is taken in */
export function createTokenBook(onRevoked: (id: TokenId) => void): TokenBook {
  const tokens = new Map<TokenId, KnownToken>()
  const newest = createNewest<TokenId>({ count: TOKENS_MAX, bytes: Infinity })
  const revoked = new Set<TokenId>()
  const newestRevoked = createNewest<TokenId>({ count: REVOCATIONS_MAX, bytes: Infinity })
  /** An ID from the future would push others out before their time. */
  const isOfItsTime = (id: TokenId, block: Block): boolean => timeOfId(id) <= hlcToMs(block.hlc) + FUTURE_MS_MAX
  const addToken = (record: TokenRecord, block: Block): void => {
    if (!isOfItsTime(record.id, block) || idOfToken(block.author, record) !== record.id) return
    const out = newest.add(record.id, 1)
    if (out === undefined) return
    tokens.set(record.id, { record, author: block.author })
    for (const id of out) tokens.delete(id)
  }
  const addRevocation = (id: TokenId, block: Block): void => {
    if (!isOfItsTime(id, block)) return
    const out = newestRevoked.add(id, 1)
    if (out === undefined) return
    revoked.add(id)
    for (const one of out) revoked.delete(one)
    onRevoked(id)
  }
  return {
    part: {
      kinds: ['token', 'token-revoked'],
      apply(item, block) {
        const entry = item as Entry
        if (entry.kind === 'token') addToken(entry, block)
        else if (entry.kind === 'token-revoked') addRevocation(entry.token, block)
      },
      state: () => [newest.floor(), [...tokens.keys()].sort(), newestRevoked.floor(), [...revoked].sort()],
    },
    find: (id) => tokens.get(id),
    isRevoked: (id) => revoked.has(id) || !newestRevoked.admits(id),
    all: () => [...tokens.values()].sort((a, b) => (a.record.id < b.record.id ? 1 : -1)),
  }
}
