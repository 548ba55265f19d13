// The pure change of a hosted repository's register: branches and tags move together or not at all, and only from where the caller
// saw them. So of two pushes to one branch, on whichever sides of a partition, one wins.
import { encode } from '@ipld/dag-cbor'
import type { NameKey, PeerId } from '../../../protocols/ids.ts'
import { HOSTED_REFS_MAX, NAME_BYTES_MAX } from '../../../protocols/limits.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import type { Decide } from '../../tasks/claims/proposer.ts'
import { isDone, type Operation, withName } from '../../tasks/names/sums.ts'

export type Head = { ref: string; commit: string; by: PeerId; at: number }
/** `from` undefined: it is new; `to` undefined: it goes. */
export type RefMove = { ref: string; from: string | undefined; to: string | undefined }

const KEY = '@repo/'

export function keyOf(repo: string): NameKey {
  return `${KEY}${repo}` as NameKey
}

/** The repository that a register stands for. */
export function repoOf(key: NameKey): string | undefined {
  return key.startsWith(KEY) ? key.slice(KEY.length) : undefined
}

/** In the order of their names. */
export function headsOf(value: RegisterValue | undefined): Head[] {
  return (value?.name?.refs ?? []).map(([ref, commit, by, at]) => ({ ref, commit, by, at }))
}

/** The moves that the value does not allow: somebody was faster. */
export function staleMoves(value: RegisterValue | undefined, moves: readonly RefMove[]): RefMove[] {
  const now = new Map(headsOf(value).map(({ ref, commit }) => [ref, commit]))
  return moves.filter(({ ref, from }) => now.get(ref) !== from)
}

/** Refuses with `stale`, `full`, or `done` where this operation has counted already. */
export function moveRefs(moves: readonly RefMove[], { by, wallMs }: { by: PeerId; wallMs: number }, operation: Operation): Decide {
  return (current) => {
    if (isDone(current, operation)) return { refused: 'done' }
    if (staleMoves(current, moves).length > 0) return { refused: 'stale' }
    const moved = new Set(moves.map(({ ref }) => ref))
    const kept = headsOf(current).filter(({ ref }) => !moved.has(ref))
    const heads = [...kept, ...moves.flatMap(({ ref, to }) => (to === undefined ? [] : [{ ref, commit: to, by, at: wallMs }]))]
    heads.sort((a, b) => (a.ref < b.ref ? -1 : 1))
    const head = defaultBranch(heads, current.name?.head)
    const refs = heads.map((one): [string, string, PeerId, number] => [one.ref, one.commit, one.by, one.at])
    const { head: _before, ...name } = current.name ?? {}
    const next = withName({ ...current, name }, { refs, ...(head === undefined ? {} : { head }) }, operation)
    return refs.length > HOSTED_REFS_MAX || encode(next).length > NAME_BYTES_MAX ? { refused: 'full' } : next
  }
}

/** The one that it was; else `main` or `master`; else the first. */
function defaultBranch(heads: readonly Head[], before: string | undefined): string | undefined {
  const branches = heads.flatMap(({ ref }) => (ref.startsWith('refs/heads/') ? [ref] : []))
  return [before, 'refs/heads/main', 'refs/heads/master'].find((one) => one !== undefined && branches.includes(one)) ?? branches[0]
}
