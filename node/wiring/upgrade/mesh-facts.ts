// What an upgrade asks of the mesh: who follows the same branch and how far they are, who vouches, who keeps. From the same profiles that
// everybody sees.
import type { PeerId } from '../../../protocols/ids.ts'
import type { UpgradeView } from '../../../protocols/http/upgrade.ts'
import { KIND_SINCE, mayWrite } from '../../../protocols/skew.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { Fleet } from '../../tasks/view/fleet.ts'
import type { Fellow } from '../../upgrade/turn.ts'
import type { MemberFacts } from '../member-facts.ts'

export type MeshFacts = {
  fellows(): readonly Fellow[]
  isMember(peer: PeerId): boolean
  isAlive(peer: PeerId): boolean
  isAdmin(peer: PeerId): boolean
  nameOf(peer: PeerId): string
  /** Names of the admins who vouch for the commit on this branch. */
  vouched(commit: string): readonly string[]
  /** Hash of the dashboard that an admin's worker has built from the commit. */
  distOf(commit: string): string | undefined
  /** What every member speaks. */
  spoken(): readonly { name: string; protocol: number }[]
  group(): { seats: readonly PeerId[]; reachable: number; majority: number }
  views(): UpgradeView['workers']
}

export type MeshFactsComponents = {
  follows: string
  engine: Pick<Engine, 'fold' | 'seats'>
  fleet: Pick<Fleet, 'views' | 'nameOf'>
  members: Pick<MemberFacts, 'current'>
}

export function createMeshFacts({ follows, engine, fleet, members }: MeshFactsComponents): MeshFacts {
  const here = () => members.current().filter((member) => member.left !== true && member.removed !== true)
  const alive = (): ReadonlySet<string> => new Set(fleet.views().flatMap(({ peerId, state }) => (state === 'alive' ? [peerId] : [])))
  const reports = () =>
    here().flatMap(({ peerId, role }) => {
      const profile = engine.fold.profile(peerId)
      return profile?.upgrade?.follows === follows ? [{ peerId, role, profile, report: profile.upgrade }] : []
    })
  const ofAdmins = () => reports().filter(({ role }) => role === 'admin')
  return {
    fellows() {
      const up = alive()
      return reports().map(({ peerId, profile, report }) => ({
        peer: peerId,
        name: fleet.nameOf(peerId),
        alive: up.has(peerId),
        canary: report.canary === true,
        commit: profile.commit,
        phase: report.phase,
        target: report.target,
        reason: report.reason,
      }))
    },
    isMember: (peer) => here().some(({ peerId }) => peerId === peer),
    isAdmin: (peer) => here().some(({ peerId, role }) => peerId === peer && role === 'admin'),
    isAlive: (peer) => alive().has(peer),
    nameOf: fleet.nameOf,
    vouched: (commit) => ofAdmins().flatMap(({ peerId, report }) => (report.vouches === commit ? [fleet.nameOf(peerId)] : [])),
    distOf: (commit) => ofAdmins().find(({ report }) => report.dist?.commit === commit)?.report.dist?.hash,
    spoken: () => here().map(({ peerId }) => ({ name: fleet.nameOf(peerId), protocol: engine.fold.profile(peerId)?.protocol ?? 1 })),
    group() {
      const { seats } = engine.seats.config()
      const up = alive()
      return { seats, reachable: seats.filter((seat) => up.has(seat)).length, majority: Math.floor(seats.length / 2) + 1 }
    },
    views: () =>
      fleet.views().flatMap(({ peerId, name, state, version, commit, protocol }) => {
        if (state === 'left') return []
        const report = engine.fold.profile(peerId as PeerId)?.upgrade
        const { phase, target, reason } = report ?? {}
        return [{ peerId, name, state, version, protocol, ...given({ commit, phase, target, reason }) }]
      }),
  }
}

/**
 * Newer kinds of entries are written only when every member folds them: others would see another state.
 * @throws NimbusError `mesh-too-old`, with who is behind
 */
export function assertKnown(kind: string, { spoken }: Pick<MeshFacts, 'spoken'>): void {
  const members = spoken()
  if (
    mayWrite(
      kind,
      members.map(({ protocol }) => protocol),
    )
  )
    return
  const since = KIND_SINCE[kind] ?? 1
  const behind = members.flatMap(({ name, protocol }) => (protocol < since ? [name] : []))
  throw new NimbusError(
    'mesh-too-old',
    `An entry ${kind} is not written yet: ${behind.join(', ')} would not understand it (protocol ${since}).`,
    {
      kind: 'refused',
      cure: 'Bring these workers to the present version, or remove those that are gone for good: nimbus worker rm NAME.',
    },
  )
}

function given(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Record<string, string>
}
