// The room of names at one node, put together: registers of names, gates for tasks, locks for people.
import type { NameKey, PeerId } from '../../../protocols/ids.ts'
import type { Entry } from '../../../protocols/records.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Random } from '../../kernel/random.ts'
import type { Lease } from '../claims/lease.ts'
import type { Proposer } from '../claims/proposer.ts'
import type { Gates } from './gates.ts'
import { createGates } from './gates.ts'
import type { Locks } from './locks.ts'
import { createLocks } from './locks.ts'
import type { NameFold } from './name-fold.ts'
import type { Names } from './names.ts'
import { createNames } from './names.ts'
import type { Facts } from './places.ts'

export type NamingComponents = {
  self: PeerId
  epoch: number
  clock: Clock
  random: Random
  fold: NameFold
  facts: Facts
  proposer: Proposer
  lease: Lease
  append(entry: Entry): void
  onChange(key: NameKey): void
}
export type Naming = Names & { gates: Gates; locks: Locks }

export function createNaming(components: NamingComponents): Naming {
  const { lease } = components
  const names = createNames(components)
  return {
    ...names,
    gates: createGates({ ...components, names, isCurrent: lease.isCurrent }),
    locks: createLocks({ ...components, names }),
  }
}
