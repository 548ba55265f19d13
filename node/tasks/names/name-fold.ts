// What the logs tell of named registers: the newest chosen value of each. Part of the fold, under its law: nothing here
// depends on the receiver, the order or the time.
import { encode } from '@ipld/dag-cbor'
import type { NameKey, RegisterKey } from '../../../protocols/ids.ts'
import type { NameRecord, RegisterValue } from '../../../protocols/records.ts'
import type { Fold, FoldPart } from '../fold/fold.ts'

export type NameFold = {
  part: FoldPart
  get(key: NameKey): RegisterValue | undefined
  /** All names in no order. */
  entries(): Iterable<[NameKey, RegisterValue]>
}

export function createNameFold(onName: (key: NameKey, value: RegisterValue) => void): NameFold {
  const values = new Map<NameKey, RegisterValue>()
  return {
    part: {
      kinds: ['name'],
      apply(entry) {
        const { key, value } = entry as NameRecord
        const known = values.get(key)
        if (known !== undefined && !isNewer(value, known)) return
        values.set(key, value)
        onName(key, value)
      },
      state: () => [...values].sort(([a], [b]) => (a < b ? -1 : 1)),
    },
    get: (key) => values.get(key),
    entries: () => values,
  }
}

/** Two chosen values of one version are the same; the bytes only keep the fold pure should a keeper lie. */
function isNewer(value: RegisterValue, known: RegisterValue): boolean {
  return value.version > known.version || (value.version === known.version && Buffer.compare(encode(value), encode(known)) > 0)
}

/** Every register value that the logs tell of. */
export function* loggedValues(fold: Pick<Fold, 'tasks'>, names: NameFold): Iterable<readonly [RegisterKey, RegisterValue]> {
  for (const { id, value } of fold.tasks()) if (value.version > 0) yield [id, value]
  yield* names.entries()
}
