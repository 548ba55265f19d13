// What this worker remembers of its upgrades and tells the mesh: both change together, the memory first.
import type { PeerId } from '../../../protocols/ids.ts'
import type { ProfileRecord } from '../../../protocols/records.ts'
import type { UpgradeReport } from '../../../protocols/tasks/upgrade-records.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { UpgradeState } from '../../upgrade/machine.ts'
import { followText, type UpgradeOptions } from '../../upgrade/policy.ts'
import type { Values } from '../stored-state.ts'

export type Memory = { failed: [string, string][]; paused: boolean; vouches?: string; dist?: { commit: string; hash: string } }
export type Told = Pick<ProfileRecord, 'commit' | 'protocol' | 'upgrade'>
export type UpgradeNews = {
  memory: Memory
  profile(state: UpgradeState): Told
  /** Keeps it and writes it into the log of this node. @returns the number of the block; undefined before the first profile */
  tell(state: UpgradeState, change?: Partial<Memory>): number | undefined
}

const REASON_CHARS_MAX = 480

export function createUpgradeNews(
  components: { self: PeerId; values: Pick<Values, 'set'>; engine: Pick<Engine, 'fold' | 'append'>; onError(error: unknown): void },
  options: UpgradeOptions,
  { memory, told }: { memory: Memory; told: Told },
): UpgradeNews {
  const { self, values, engine } = components
  const reportOf = ({ phase, target, reason }: UpgradeState): UpgradeReport => ({
    follows: followText(options.follow),
    phase,
    ...(options.canary ? { canary: true } : {}),
    ...(target === undefined ? {} : { target }),
    ...(reason === undefined ? {} : { reason: reason.slice(0, REASON_CHARS_MAX) }),
    ...(memory.dist === undefined ? {} : { dist: memory.dist }),
    ...(memory.vouches === undefined ? {} : { vouches: memory.vouches }),
  })
  return {
    memory,
    profile: (state) => ({ ...told, upgrade: reportOf(state) }),
    tell(state, change = {}) {
      const failed = state.failed.map(([commit, reason]): [string, string] => [commit, reason])
      Object.assign(memory, { failed, paused: state.phase === 'paused' }, change)
      void values.set('upgrade', memory).catch(components.onError)
      const known = engine.fold.profile(self)
      if (known === undefined) return undefined
      const { hlc: _hlc, epoch: _epoch, ...profile } = known
      return engine.append({ ...profile, ...told, upgrade: reportOf(state) })
    },
  }
}
