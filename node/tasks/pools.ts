// Pools that are paused: their tasks wait, what runs goes on. Part of the fold: of each pool the newest word counts, whoever
// said it, and nothing depends on the order in which words arrive.
import type { PeerId } from '../../protocols/ids.ts'
import type { PoolRecord } from '../../protocols/records.ts'
import type { FoldPart } from './fold/fold.ts'

/** The newest word about a pool. */
export type PoolWord = { paused: boolean; hlc: number; author: PeerId }

export type Pools = {
  part: FoldPart
  isPaused(pool: string): boolean
  words(): ReadonlyMap<string, PoolWord>
}

export function createPools(onChange: (pool: string) => void): Pools {
  const words = new Map<string, PoolWord>()
  return {
    part: {
      kinds: ['pool'],
      apply(entry, { hlc, author }) {
        const { pool, paused } = entry as PoolRecord
        const known = words.get(pool)
        const word = { paused, hlc, author }
        if (known !== undefined && !isNewer(word, known)) return
        words.set(pool, word)
        if (known?.paused !== paused) onChange(pool)
      },
      state: () => [...words].sort(([a], [b]) => (a < b ? -1 : 1)),
    },
    isPaused: (pool) => words.get(pool)?.paused ?? false,
    words: () => words,
  }
}

function isNewer(word: PoolWord, than: PoolWord): boolean {
  if (word.hlc !== than.hlc) return word.hlc > than.hlc
  if (word.author !== than.author) return word.author > than.author
  return word.paused && !than.paused
}
