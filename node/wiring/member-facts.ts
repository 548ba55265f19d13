// The members as the trust root has them, kept ready: the queue asks for each block and each match.
import type { PeerId } from '../../protocols/ids.ts'
import type { TrustSet } from '../trust/trust-set.ts'

type Member = ReturnType<TrustSet['members']>[number]
export type MemberFacts = {
  current(): readonly Member[]
  /** Everyone who belongs here, one node left out; the same array until something changes. */
  others(self: PeerId): readonly PeerId[]
  find(peer: PeerId): Member | undefined
  changed(): void
}

export function createMemberFacts(trust: Pick<TrustSet, 'members'>): MemberFacts {
  let list: readonly Member[] | undefined
  let others: { self: PeerId; peers: readonly PeerId[] } | undefined
  let byPeer = new Map<PeerId, Member>()
  const current = (): readonly Member[] => {
    if (list !== undefined) return list
    list = trust.members()
    others = undefined
    byPeer = new Map(list.map((member) => [member.peerId, member]))
    return list
  }
  return {
    current,
    others(self) {
      const now = current()
      if (others?.self !== self) {
        const belongs = now.filter(({ peerId, left, removed }) => peerId !== self && left !== true && removed !== true)
        others = { self, peers: belongs.map(({ peerId }) => peerId) }
      }
      return others.peers
    },
    find: (peer) => (current(), byPeer.get(peer)),
    changed() {
      list = undefined
    },
  }
}
