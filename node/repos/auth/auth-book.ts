// Which secret opens the repositories of which place, as the logs tell it. A part of the fold: pure, in any order. It knows names of
// secrets, never values.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { RepoAuthRecord } from '../../../protocols/repos/repo-records.ts'

export type PlaceAuth = Pick<RepoAuthRecord, 'place' | 'secret' | 'user' | 'agent' | 'hostKeys'> & { author: PeerId; hlc: number }
export type AuthBook = {
  part: { kinds: readonly string[]; apply(entry: { kind: string }, block: Block): void; state(): unknown }
  /** By place. */
  all(): PlaceAuth[]
  /** What stands for the longest beginning of this address. */
  find(url: string): PlaceAuth | undefined
}

type Line = PlaceAuth & { at: readonly [epoch: number, seq: number, index: number] }

export function createAuthBook(): AuthBook {
  const lines = new Map<string, Line>()
  const all = (): PlaceAuth[] => [...lines.values()].filter(saysSomething).toSorted((a, b) => (a.place < b.place ? -1 : 1))
  return {
    part: {
      kinds: ['repo-auth'],
      apply(entry, block) {
        const { place, secret, user, agent, hostKeys } = entry as RepoAuthRecord
        const at = [block.epoch, block.seq, (block.entries as { kind: string }[]).indexOf(entry)] as const
        const line: Line = {
          place,
          ...(secret === undefined ? {} : { secret }),
          ...(user === undefined ? {} : { user }),
          ...(agent === undefined ? {} : { agent }),
          ...(hostKeys === undefined ? {} : { hostKeys }),
          author: block.author,
          hlc: block.hlc,
          at,
        }
        const known = lines.get(place)
        if (known === undefined || isNewer(line, known)) lines.set(place, line)
      },
      state: () => [...lines].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    },
    all,
    find(url) {
      const wanted = placeOf(url)
      const fitting = all().filter(({ place }) => covers(bare(place), wanted))
      return fitting.toSorted((a, b) => b.place.length - a.place.length)[0]
    },
  }
}

/** The place of an address: its host, with a port that is not the usual one, and its path. */
function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return bare(`${(protocol === 'ssh:' ? host.replace(/:22$/, '') : host).toLowerCase()}${pathname}`)
}

/** `team/app`, `team/app/` and `team/app.git` are one place. */
function bare(place: string): string {
  return place.replace(/\/+$/, '').replace(/\.git$/, '')
}

function covers(place: string, wanted: string): boolean {
  return wanted === place || wanted.startsWith(`${place}/`)
}

function saysSomething({ secret, agent, hostKeys }: PlaceAuth): boolean {
  return secret !== undefined || agent === true || hostKeys !== undefined
}

function isNewer(a: Line, b: Line): boolean {
  if (a.hlc !== b.hlc) return a.hlc > b.hlc
  if (a.author !== b.author) return a.author > b.author
  const differs = a.at.findIndex((part, index) => part !== b.at[index])
  return differs >= 0 && (a.at[differs] ?? 0) > (b.at[differs] ?? 0)
}
