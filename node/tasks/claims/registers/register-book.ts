// The registers of one seat. On disk a request is one record, however many registers it changes; in memory registers that
// went the same way are one object. A record goes when no register is in it any more.
import { decode, encode } from '@ipld/dag-cbor'
import type { RegisterKey, TaskId } from '../../../../protocols/ids.ts'
import { isNameKey } from '../../../../protocols/ids.ts'
import type { RegisterValue } from '../../../../protocols/records.ts'
import type { Ballot } from '../../../../protocols/streams.ts'
import type { TaskRun } from '../../../../protocols/tasks/task-runs.ts'
import { expandRuns, runsOf } from '../../../../protocols/tasks/task-runs.ts'
import type { Write } from '../../../store/database.ts'
import { REGISTER_JOURNAL, REGISTERS, sortable } from '../../../store/namespaces.ts'

/** Never changed in place. */
export type Register = { promised: Ballot; accepted?: { ballot: Ballot; value: RegisterValue } }
/** What the disk gave back: the registers, and the key of the record that each is in where it is not its own. */
export type StoredRegisters = { registers: Map<RegisterKey, Register>; records?: Map<RegisterKey, string>; unused?: Set<string> }

type DiskRecord = { key: string; live: number }
type Cell = { register: Register; record: DiskRecord }

export type RegisterBook = {
  get(key: RegisterKey): Register | undefined
  /** Takes these registers as they are now. @returns what has to be on disk before anybody hears of it */
  put(changed: readonly (readonly [RegisterKey, Register])[]): Write[]
  /** Forgets registers. @returns what may go from the disk, in no hurry */
  drop(keys: readonly RegisterKey[]): Write[]
  keys(): IterableIterator<RegisterKey>
  /** How many of them are of names. */
  names(): number
}

export function createRegisterBook(stored: StoredRegisters): RegisterBook {
  const records = new Map<string, DiskRecord>()
  const cells = new Map<RegisterKey, Cell>()
  let unused = [...(stored.unused ?? [])]
  let names = 0
  let last = 0

  for (const [key, register] of stored.registers) {
    const place = stored.records?.get(key) ?? REGISTERS + key
    const record = records.get(place) ?? { key: place, live: 0 }
    records.set(place, record)
    record.live += 1
    cells.set(key, { register, record })
    if (isNameKey(key)) names += 1
  }
  for (const key of [...records.keys(), ...unused])
    if (key.startsWith(REGISTER_JOURNAL)) last = Math.max(last, Number(key.slice(REGISTER_JOURNAL.length)))
  records.clear()

  const leave = (cell: Cell): void => {
    cell.record.live -= 1
    if (cell.record.live === 0) unused.push(cell.record.key)
  }
  const takeUnused = (): Write[] => {
    const writes = unused.map((key): Write => ({ del: key }))
    unused = []
    return writes
  }

  return {
    get: (key) => cells.get(key)?.register,
    put(changed) {
      last += 1
      const record: DiskRecord = { key: REGISTER_JOURNAL + sortable(last), live: 0 }
      const groups: { register: Register; keys: RegisterKey[] }[] = []
      let cell: Cell | undefined
      for (const [key, register] of changed) {
        const group = groups.at(-1)
        if (group?.register === register) group.keys.push(key)
        else groups.push({ register, keys: [key] })
        if (cell?.register !== register) cell = { register, record }
        const before = cells.get(key)
        if (before !== undefined) leave(before)
        else if (isNameKey(key)) names += 1
        cells.set(key, cell)
        record.live += 1
      }
      return [{ put: record.key, value: encode(groups.map(({ register, keys }) => [register, runsOf(keys as TaskId[])])) }, ...takeUnused()]
    },
    drop(keys) {
      for (const key of keys) {
        const cell = cells.get(key)
        if (cell === undefined) continue
        cells.delete(key)
        if (isNameKey(key)) names -= 1
        leave(cell)
      }
      return takeUnused()
    },
    keys: () => cells.keys(),
    names: () => names,
  }
}

/** Reads the registers back, key by key in the order of the keys of each namespace; the last record of a register counts. */
export function createRegisterReader(): { take(key: string, payload: Uint8Array): void; stored: Required<StoredRegisters> } {
  const stored: Required<StoredRegisters> = { registers: new Map(), records: new Map(), unused: new Set() }
  const live = new Map<string, number>()
  const put = (task: RegisterKey, register: Register, key: string): void => {
    const before = stored.records.get(task)
    if (before !== undefined) {
      const left = (live.get(before) ?? 0) - 1
      live.set(before, left)
      if (left === 0) stored.unused.add(before)
    }
    live.set(key, (live.get(key) ?? 0) + 1)
    stored.registers.set(task, register)
    stored.records.set(task, key)
  }
  return {
    stored,
    take(key, payload) {
      if (key.startsWith(REGISTERS)) return put(key.slice(REGISTERS.length) as RegisterKey, decode<Register>(payload), key)
      for (const [register, runs] of decode<[Register, TaskRun[]][]>(payload)) for (const task of expandRuns(runs)) put(task, register, key)
    },
  }
}
