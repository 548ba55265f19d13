// How far each log is known: the version vector of this node. Pure bookkeeping, no I/O.
import { createHash } from 'node:crypto'
import type { PeerId } from '../../protocols/ids.ts'
import type { Head } from '../../protocols/streams.ts'

export type LogEnd = { seq: number; digest: Uint8Array }

export type Vector = {
  end(author: PeerId, epoch: number): LogEnd | undefined
  advance(author: PeerId, epoch: number, end: LogEnd): void
  /** The newest epoch of an author. */
  newestEpoch(author: PeerId): number | undefined
  /** The same array until something changes. */
  heads(): readonly Head[]
  /** Equal on two nodes exactly when they know the same blocks. */
  digest(): string
}

export function createVector(): Vector {
  const logs = new Map<PeerId, Map<number, LogEnd>>()
  let cached: { heads: Head[]; digest?: string } | undefined
  const collect = (): Head[] =>
    [...logs]
      .flatMap(([author, epochs]) => [...epochs].map(([epoch, end]): Head => [author, epoch, end.seq]))
      .sort((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1))
  const current = (): { heads: Head[]; digest?: string } => (cached ??= { heads: collect() })
  return {
    end: (author, epoch) => logs.get(author)?.get(epoch),
    advance(author, epoch, end) {
      const epochs = logs.get(author) ?? new Map<number, LogEnd>()
      logs.set(author, epochs.set(epoch, end))
      cached = undefined
    },
    newestEpoch: (author) => {
      const epochs = logs.get(author)
      return epochs === undefined ? undefined : Math.max(...epochs.keys())
    },
    heads: () => current().heads,
    digest: () => (current().digest ??= createHash('sha256').update(JSON.stringify(current().heads)).digest('base64url').slice(0, 22)),
  }
}

/** The logs in which `mine` is ahead of `theirs`: [author, epoch, first missing seq]. */
export function missingFrom(mine: readonly Head[], theirs: readonly Head[]): Head[] {
  const known = new Map(theirs.map(([author, epoch, seq]) => [`${author}/${epoch}`, seq]))
  return mine.flatMap(([author, epoch, seq]): Head[] => {
    const have = known.get(`${author}/${epoch}`) ?? 0
    return have < seq ? [[author, epoch, have + 1]] : []
  })
}
