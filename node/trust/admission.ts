// Who may link with this node: the answer that the trust root and the invites give to the mesh's door. It decides;
// opening and closing connections is the mesh's own work.
import type { PeerId } from '../../protocols/ids.ts'
import type { RefusalCode } from '../../protocols/trust.ts'
import type { Identity } from './identity.ts'
import type { Invites, JoinChannel } from './invites.ts'
import { refusalMessage } from './refusals.ts'
import type { TrustSet } from './trust-set.ts'

export type Verdict = { ok: true } | { ok: false; code: RefusalCode; message: string }

export type Admission = {
  /** Proof of this node's own membership: what it says first. */
  hello(): Uint8Array
  /** Everything this node knows, in parts of at most `bytesMax`: told to whom it is linked with. */
  news(bytesMax: number): Uint8Array[]
  admit(peer: PeerId, hello: Uint8Array): Verdict
  isMember(peer: PeerId): boolean
  isRemoved(peer: PeerId): boolean
  guestsAllowed(): boolean
  join(peer: PeerId, remoteAddress: string, channel: JoinChannel): Promise<string | undefined>
}

export function createAdmission({
  identity,
  trust,
  invites,
}: {
  identity: Pick<Identity, 'peerId'>
  trust: TrustSet
  invites: Invites
}): Admission {
  return {
    hello: () => trust.encodeChain(identity.peerId),
    news: (bytesMax) => trust.encodeParts(bytesMax),
    admit(peer, hello) {
      const { wrongMesh } = trust.merge(hello)
      if (wrongMesh) return refuse('wrong-mesh')
      if (trust.isGone(peer)) return refuse('removed')
      return trust.isMember(peer) ? { ok: true } : refuse('not-a-member')
    },
    isMember: trust.isMember,
    isRemoved: trust.isGone,
    guestsAllowed: invites.open,
    join: (peer, remoteAddress, channel) => invites.redeem(peer, remoteAddress, channel),
  }
}

function refuse(code: RefusalCode): Verdict {
  return { ok: false, code, message: refusalMessage(code) }
}
