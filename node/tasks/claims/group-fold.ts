// What the logs tell of the keeper group: its newest configuration, and each time an admin said how to go on without a majority.
// Under the fold's law: nothing here depends on the receiver, the order or the time.
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { GroupRecord } from '../../../protocols/tasks/group-record.ts'
import type { GroupConfig } from '../../../protocols/streams.ts'

export type Recovery = { version: number; author: PeerId; by: string; hlc: number; seats: PeerId[]; lost: PeerId[]; reason?: string }

export type GroupFold = {
  /** @returns the configuration where it is a newer one */
  apply(entry: GroupRecord, block: Block): GroupConfig | undefined
  config(): GroupConfig | undefined
  recoveries(): readonly Recovery[]
  state(): unknown
}

/** The newest are kept; each is a line in the log of its admin anyway. */
const RECOVERIES_MAX = 64

export function createGroupFold(mayRecover: (author: PeerId) => boolean): GroupFold {
  let newest: GroupConfig | undefined
  let recoveries: Recovery[] = []
  return {
    apply({ version, seats, recovered, by, reason, lost }, block) {
      if (recovered === true) {
        if (!mayRecover(block.author)) return undefined
        const told = { version, author: block.author, by: by ?? '', hlc: block.hlc, seats, lost: lost ?? [] }
        const others = recoveries.filter((one) => one.version !== version || one.author !== block.author || one.hlc !== block.hlc)
        recoveries = [...others, reason === undefined ? told : { ...told, reason }].sort(byAge).slice(-RECOVERIES_MAX)
      }
      const config: GroupConfig = { version, seats, ...(recovered === true ? { recovered } : {}) }
      if (newest !== undefined && !isNewer(config, newest)) return undefined
      newest = config
      return config
    },
    config: () => newest,
    recoveries: () => recoveries,
    state: () => (recoveries.length === 0 ? (newest ?? null) : [newest ?? null, recoveries]),
  }
}

/** Of one version there is one configuration; the seats only keep the fold pure should two admins draw the same number. */
function isNewer(config: GroupConfig, known: GroupConfig): boolean {
  return config.version > known.version || (config.version === known.version && config.seats.join() > known.seats.join())
}

function byAge(a: Recovery, b: Recovery): number {
  return a.version - b.version || a.hlc - b.hlc || (a.author < b.author ? -1 : 1)
}
