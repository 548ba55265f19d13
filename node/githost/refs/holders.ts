// Who keeps which hosted repository, and up to which version of its register: a part of the fold. Each member speaks for itself
// alone; its newest word counts.
import type { Block } from '../../../protocols/blocks.ts'
import type { HeldRecord } from '../../../protocols/githost/hosted-records.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { FoldPart } from '../../tasks/fold/fold.ts'

export type Holder = { node: PeerId; version: number }
export type Holders = {
  part: FoldPart
  of(repo: string): Holder[]
  /** Repositories that somebody keeps or has kept. */
  repos(): string[]
}

type Word = { stamp: readonly [hlc: number, epoch: number, seq: number, index: number]; version: number; dropped: boolean }

/** @param onChange hears of each repository of which a member said something new */
export function createHolders(onChange: (repo: string) => void): Holders {
  /** By repository, then member. Only members write entries, and a name of theirs is a register too, of which there are few. */
  const words = new Map<string, Map<PeerId, Word>>()
  const sorted = <Key extends string, Value>(map: ReadonlyMap<Key, Value>): [Key, Value][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return {
    part: {
      kinds: ['repo-held'],
      apply(entry, block: Block) {
        const { repo, version, dropped } = entry as HeldRecord
        const byNode = words.get(repo) ?? new Map<PeerId, Word>()
        words.set(repo, byNode)
        const stamp = [block.hlc, block.epoch, block.seq, block.entries.indexOf(entry)] as const
        const known = byNode.get(block.author)
        if (known !== undefined && !isLater(stamp, known.stamp)) return
        byNode.set(block.author, { stamp, version, dropped: dropped === true })
        onChange(repo)
      },
      state: () =>
        sorted(words).map(([repo, byNode]) => [
          repo,
          sorted(byNode).map(([node, { stamp, version, dropped }]) => [node, [...stamp], version, dropped]),
        ]),
    },
    of: (repo) => sorted(words.get(repo) ?? new Map()).flatMap(([node, { version, dropped }]) => (dropped ? [] : [{ node, version }])),
    repos: () => [...words.keys()].sort(),
  }
}

function isLater(stamp: Word['stamp'], than: Word['stamp']): boolean {
  const at = stamp.findIndex((part, index) => part !== than[index])
  return at >= 0 && (stamp[at] ?? 0) > (than[at] ?? 0)
}
