// The workers of the mesh as this node sees them: certificate, profile, presence and liveness in one place. Offers for the
// match and views for people come from the same facts, so that the status shown is the status used.
import type { WorkerView } from '../../../protocols/http/views.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Presence } from '../../../protocols/presence.ts'
import type { MemberRole } from '../../../protocols/trust.ts'
import type { Profile } from '../fold/fold.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Mismatch, Offer } from '../matching/match.ts'
import { unreservedOf } from '../matching/resources.ts'

export type MemberFacts = { peerId: PeerId; name: string; role: MemberRole; issuedAt: number; left?: boolean; removed?: boolean }
export type LiveState = 'alive' | 'suspect' | 'dead' | 'left'

export type FleetComponents = {
  self: PeerId
  members(): readonly MemberFacts[]
  uniqueNames(members: readonly { peerId: PeerId; name: string }[]): Map<PeerId, string>
  profile(node: PeerId): Profile | undefined
  /** Names of the secrets that it may open. */
  secretsOf(node: PeerId): ReadonlySet<string>
  /** Why it would only let a task wait. */
  stopFor?: ((node: PeerId, spec: TaskSpec) => Mismatch | undefined) | undefined
  stateOf(peer: PeerId): LiveState
  lastSeenAgoMs(peer: PeerId): number | undefined
  roundTripMs(peer: PeerId): number | undefined
  addresses(peer: PeerId): string[]
  isKeeper(peer: PeerId): boolean
  /** Tasks that the fold shows as held by this node. */
  running(peer: PeerId): string[]
  own(): Presence
  /** What its tasks have reserved. */
  reservedAt(peer: PeerId): ReadonlyMap<string, TaskSpec['resources']>
}

export type Fleet = {
  /** Takes a status; false where a newer one is known. */
  notePresence(presence: Presence): boolean
  /** Names, certificates or profiles changed. */
  changed(): void
  offers(): readonly Offer[]
  nameOf(peer: PeerId): string
  views(): WorkerView[]
  view(peer: PeerId): WorkerView | undefined
  find(nameOrId: string): PeerId | undefined
  /** It said that it is about to leave the mesh. */
  isLeaving(peer: PeerId): boolean
  epochOf(peer: PeerId): number | undefined
}

export function createFleet(components: FleetComponents): Fleet {
  const { self } = components
  const presences = new Map<PeerId, Presence>()
  let names: Map<PeerId, string> | undefined

  const presenceOf = (peer: PeerId): Presence | undefined => (peer === self ? components.own() : presences.get(peer))
  const nameMap = (): Map<PeerId, string> =>
    (names ??= components.uniqueNames(
      components.members().map(({ peerId, name }) => ({ peerId, name: components.profile(peerId)?.name ?? name })),
    ))
  const stateOf = (member: MemberFacts): LiveState => {
    if (member.left === true || member.removed === true) return 'left'
    return member.peerId === self ? 'alive' : components.stateOf(member.peerId)
  }
  const offerOf = (member: MemberFacts): Offer => {
    const { peerId } = member
    const profile = components.profile(peerId)
    const presence = presenceOf(peerId)
    const slots = profile?.slots ?? 0
    return {
      node: peerId,
      name: nameMap().get(peerId) ?? member.name,
      alive: stateOf(member) === 'alive',
      draining: presence !== undefined && presence.state !== 'active',
      mayRun: member.role !== 'viewer' && profile !== undefined,
      roles: profile?.roles ?? [],
      skills: profile?.skills ?? [],
      labels: profile?.labels ?? {},
      pool: profile?.pool,
      accept: profile?.accept ?? [],
      slots,
      freeSlots: presence?.freeSlots ?? slots,
      repo: profile?.repo,
      tools: profile?.tools,
      resources:
        profile?.resources === undefined
          ? undefined
          : {
              total: profile.resources,
              unreserved: unreservedOf(profile.resources, components.reservedAt(peerId).values()),
              freeMemoryMb: presence?.memoryFreeMb ?? profile.resources.memoryMb,
            },
      secrets: components.secretsOf(peerId),
      stops: (spec) => components.stopFor?.(peerId, spec),
    }
  }
  const viewOf = (member: MemberFacts): WorkerView => {
    const { peerId } = member
    const { name, roles, skills, labels, pool, slots, freeSlots } = offerOf(member)
    const presence = presenceOf(peerId)
    const profile = components.profile(peerId)
    return {
      peerId,
      name,
      self: peerId === self,
      state: stateOf(member),
      mode: presence?.state ?? 'active',
      roles: [...roles],
      skills: [...skills],
      labels: { ...labels },
      pool: pool ?? null,
      repo: profile?.repo ?? null,
      slots,
      freeSlots,
      load: presence?.load ?? 0,
      memoryFreeMb: presence?.memoryFreeMb ?? 0,
      ...(profile?.resources === undefined ? {} : { resources: profile.resources }),
      ...(profile?.tools === undefined ? {} : { tools: { ...profile.tools } }),
      version: profile?.version ?? '',
      ...(profile?.commit === undefined ? {} : { commit: profile.commit }),
      protocol: profile?.protocol ?? 1,
      memberRole: member.role,
      keeper: components.isKeeper(peerId),
      lastSeenMs: peerId === self ? 0 : Math.round(components.lastSeenAgoMs(peerId) ?? -1),
      roundTripMs: components.roundTripMs(peerId) ?? null,
      running: components.running(peerId),
      addresses: components.addresses(peerId),
      joinedAt: member.issuedAt,
    }
  }
  return {
    notePresence(presence) {
      const known = presences.get(presence.node)
      if (presence.node === self) return false
      if (known !== undefined && (known.epoch > presence.epoch || (known.epoch === presence.epoch && known.version >= presence.version)))
        return false
      presences.set(presence.node, presence)
      return true
    },
    changed() {
      names = undefined
    },
    offers: () =>
      components
        .members()
        .filter((member) => member.left !== true && member.removed !== true)
        .map(offerOf),
    nameOf: (peer) => nameMap().get(peer) ?? peer.slice(-6),
    views: () => components.members().map(viewOf),
    view: (peer) =>
      components
        .members()
        .filter((member) => member.peerId === peer)
        .map(viewOf)[0],
    isLeaving: (peer) => presenceOf(peer)?.state === 'leaving',
    epochOf: (peer) => presences.get(peer)?.epoch,
    find: (nameOrId) => components.members().find(({ peerId }) => peerId === nameOrId || nameMap().get(peerId) === nameOrId)?.peerId,
  }
}
