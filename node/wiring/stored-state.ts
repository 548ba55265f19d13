// What a node finds on its disk at start, read once and checked: single values, what its seat promised, ended terms.
import { decode, encode } from '@ipld/dag-cbor'
import type { PeerId } from '../../protocols/ids.ts'
import { NimbusError } from '../kernel/errors.ts'
import { unframeValue } from '../store/checked-value.ts'
import type { Database } from '../store/database.ts'
import type { GroupCommit } from '../store/group-commit.ts'
import { ADDRESSES, ENDED_TERMS, endOf, META, REGISTER_JOURNAL, REGISTERS } from '../store/namespaces.ts'
import type { StoredRegisters } from '../tasks/claims/registers/register-book.ts'
import { createRegisterReader } from '../tasks/claims/registers/register-book.ts'
import type { SeatState } from '../tasks/claims/seats.ts'

/** Single values by name. */
export type Values = {
  get<Value>(name: string): Promise<Value | undefined>
  /** Durable when it settles. */
  set(name: string, value: unknown): Promise<void>
  put(name: string, value: unknown, done: () => void): void
  /** The same for callers that bring their own bytes. */
  slot(name: string): { load(): Promise<Uint8Array | undefined>; save(bytes: Uint8Array): Promise<void> }
}

export function createValues(database: Database, commit: GroupCommit): Values {
  const get = async <Value>(name: string): Promise<Value | undefined> => {
    const framed = await database.get(META + name)
    if (framed === undefined) return undefined
    const payload = unframeValue(framed)
    if (payload === undefined) throw damaged(META + name)
    return decode<Value>(payload)
  }
  const put = (name: string, value: unknown, done: () => void): void => commit.add([{ put: META + name, value: encode(value) }], done)
  const set = (name: string, value: unknown): Promise<void> => new Promise((resolve) => put(name, value, resolve))
  return { get, set, put, slot: (name) => ({ load: () => get<Uint8Array>(name), save: (bytes) => set(name, bytes) }) }
}

/** A seat whose memory is damaged must not vote: what it promised cannot be rebuilt from others. */
export async function readSeatMemory(
  database: Database,
  values: Values,
  founder: PeerId,
  self: PeerId,
): Promise<StoredRegisters & { ended: Set<string>; seat: SeatState; damaged: boolean }> {
  const reader = createRegisterReader()
  const ended = new Set<string>()
  let isDamaged = false
  for (const namespace of [REGISTERS, REGISTER_JOURNAL]) {
    for await (const [key, framed] of database.range(namespace, endOf(namespace))) {
      const payload = unframeValue(framed)
      if (payload === undefined) isDamaged = true
      else reader.take(key, payload)
    }
  }
  for await (const [key] of database.range(ENDED_TERMS, endOf(ENDED_TERMS))) ended.add(key.slice(ENDED_TERMS.length))
  const first: SeatState = { config: { version: 1, seats: [founder] }, votes: self === founder ? 1 : 0, promised: [0, ''] }
  const seat = (await values.get<SeatState>('seat')) ?? first
  return { ...reader.stored, ended, seat: isDamaged ? { ...seat, votes: 0 } : seat, damaged: isDamaged }
}

/** The node's own epoch: greater than every earlier one, on disk before it is used. */
export async function openEpoch(values: Values, wallMs: number, random: number): Promise<number> {
  const before = (await values.get<number>('epoch')) ?? 0
  const epoch = Math.max(before + 1, Math.floor(wallMs) * 1024 + Math.floor(random * 1024))
  await values.set('epoch', epoch)
  return epoch
}

/** Remembered addresses of members. */
export function createAddressStore(
  database: Database,
  commit: GroupCommit,
): { load(): Promise<[PeerId, string[]][]>; save(entries: [PeerId, string[]][]): Promise<void> } {
  return {
    async load() {
      const found: [PeerId, string[]][] = []
      for await (const [key, framed] of database.range(ADDRESSES, endOf(ADDRESSES))) {
        const payload = unframeValue(framed)
        // Addresses are a convenience: a damaged one is learned again.
        if (payload !== undefined) found.push([key.slice(ADDRESSES.length) as PeerId, decode<string[]>(payload)])
      }
      return found
    },
    save: (entries) =>
      new Promise((resolve) =>
        commit.add(
          entries.map(([peer, addresses]) => ({ put: ADDRESSES + peer, value: encode(addresses) })),
          resolve,
        ),
      ),
  }
}

function damaged(key: string): NimbusError {
  return new NimbusError('store-damaged', `the stored value ${key} does not match its checksum`, {
    cure: 'restore the data folder from a backup, or start with a new one and join the mesh again',
  })
}
