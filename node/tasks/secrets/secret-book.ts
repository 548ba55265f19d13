// The secrets that the logs tell of: which value of each name counts and who may open it. A part of the fold: pure, in any order.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Entry, UnknownEntry } from '../../../protocols/records.ts'
import type { GrantRecord, SealedKey, SecretRecord } from '../../../protocols/tasks/secret-records.ts'
import type { FoldPart } from '../fold/fold.ts'

/** A sealed key and who sealed it. */
export type Grant = SealedKey & { from: PeerId; hlc: number }
export type KnownSecret = {
  name: string
  version: number
  id: Uint8Array
  body: Uint8Array
  author: PeerId
  hlc: number
  grants: ReadonlyMap<PeerId, Grant>
}

export type SecretBook = {
  part: FoldPart
  /** Its value that counts; undefined where there is none, or it was removed. */
  find(name: string): KnownSecret | undefined
  /** The highest version that was ever written, also of a removed one. */
  versionOf(name: string): number
  all(): KnownSecret[]
  /** Names of what a worker may open. */
  openTo(node: PeerId): ReadonlySet<string>
  sealingKey(node: PeerId): Uint8Array | undefined
}

/** By version, then by ID. */
type Rank = readonly [number, string]
type Value = { rank: Rank; record: SecretRecord; author: PeerId; hlc: number }
type Shelf = { best?: Value; grants: Map<string, { rank: Rank; byReader: Map<PeerId, Grant> }> }

const NONE: ReadonlySet<string> = new Set()

export function createSecretBook(onChange: () => void): SecretBook {
  const shelves = new Map<string, Shelf>()
  const keys = new Map<PeerId, { key: Uint8Array; hlc: number }>()
  let open: Map<PeerId, Set<string>> | undefined

  const shelfOf = (name: string): Shelf => {
    const shelf = shelves.get(name) ?? { grants: new Map() }
    shelves.set(name, shelf)
    return shelf
  }
  /** Grants of a value that was replaced are of no use to anybody; those of one that has not arrived may be. */
  const addGrants = (shelf: Shelf, rank: Rank, record: SecretRecord | GrantRecord, block: Block): void => {
    if (shelf.best !== undefined && compare(rank, shelf.best.rank) < 0) return
    const place = shelf.grants.get(rank.join('/')) ?? { rank, byReader: new Map<PeerId, Grant>() }
    shelf.grants.set(rank.join('/'), place)
    for (const { to, enc, key } of record.sealed) {
      const grant: Grant = { to, enc, key, from: block.author, hlc: block.hlc }
      const known = place.byReader.get(to)
      if (known === undefined || order(grant) < order(known)) place.byReader.set(to, grant)
    }
  }
  const addSecret = (record: SecretRecord, block: Block): void => {
    const shelf = shelfOf(record.name)
    const rank: Rank = [record.version, hexOf(record.id)]
    addGrants(shelf, rank, record, block)
    const distance = shelf.best === undefined ? 1 : compare(rank, shelf.best.rank)
    const isFirst = distance === 0 && shelf.best !== undefined && before(block, shelf.best)
    if (distance < 0 || (distance === 0 && !isFirst)) return
    shelf.best = { rank, record, author: block.author, hlc: block.hlc }
    for (const [key, place] of shelf.grants) if (compare(place.rank, rank) < 0) shelf.grants.delete(key)
  }
  const find = (name: string): KnownSecret | undefined => {
    const shelf = shelves.get(name)
    const best = shelf?.best
    if (best?.record.box === undefined || best.record.removed === true) return undefined
    const { version, id, box: body } = best.record
    return {
      name,
      version,
      id,
      body,
      author: best.author,
      hlc: best.hlc,
      grants: shelf?.grants.get(best.rank.join('/'))?.byReader ?? new Map(),
    }
  }
  const all = (): KnownSecret[] => [...shelves.keys()].toSorted().flatMap((name) => find(name) ?? [])

  return {
    part: {
      kinds: ['secret', 'secret-grant', 'sealing-key'],
      apply(item: Entry | UnknownEntry, block) {
        const entry = item as Entry
        if (entry.kind === 'secret') addSecret(entry, block)
        else if (entry.kind === 'secret-grant') addGrants(shelfOf(entry.name), [entry.version, hexOf(entry.id)], entry, block)
        else if (entry.kind === 'sealing-key' && (keys.get(block.author)?.hlc ?? 0) < block.hlc)
          keys.set(block.author, { key: entry.key, hlc: block.hlc })
        open = undefined
        onChange()
      },
      state: () => [
        [...keys].sort(byName),
        [...shelves]
          .sort(byName)
          .map(([name, { best, grants }]) => [
            name,
            best === undefined ? null : [...best.rank, best.author, best.hlc],
            [...grants].sort(byName).map(([rank, { byReader }]) => [rank, [...byReader].sort(byName)]),
          ]),
      ],
    },
    find,
    versionOf: (name) => shelves.get(name)?.best?.rank[0] ?? 0,
    all,
    openTo(node) {
      if (open === undefined) {
        open = new Map()
        for (const { name, grants } of all())
          for (const reader of grants.keys()) open.set(reader, (open.get(reader) ?? new Set()).add(name))
      }
      return open.get(node) ?? NONE
    },
    sealingKey: (node) => keys.get(node)?.key,
  }
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function compare(a: Rank, b: Rank): number {
  return a[0] - b[0] || (a[1] < b[1] ? -1 : a[1] > b[1] ? 1 : 0)
}

function before(block: Block, than: { hlc: number; author: PeerId }): boolean {
  return block.hlc < than.hlc || (block.hlc === than.hlc && block.author < than.author)
}

/** A total order of grants to one reader: the earliest stays. */
function order({ hlc, from, enc }: Grant): string {
  return `${String(hlc).padStart(20, '0')}/${from}/${hexOf(enc)}`
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}
