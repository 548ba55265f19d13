// The members as the trust root has them, kept ready: the queue asks for each block and each match.
import type { PeerId } from '../../protocols/ids.ts'
import type { TrustSet } from '../trust/trust-set.ts'

type Member = ReturnType<TrustSet['members']>[number]
export type MemberFacts = { current(): readonly Member[]; find(peer: PeerId): Member | undefined; changed(): void }

export function createMemberFacts(trust: Pick<TrustSet, 'members'>): MemberFacts {
  let list: readonly Member[] | undefined
  let byPeer = new Map<PeerId, Member>()
  const current = (): readonly Member[] => {
    if (list !== undefined) return list
    list = trust.members()
    byPeer = new Map(list.map((member) => [member.peerId, member]))
    return list
  }
  return {
    current,
    find: (peer) => (current(), byPeer.get(peer)),
    changed() {
      list = undefined
    },
  }
}
