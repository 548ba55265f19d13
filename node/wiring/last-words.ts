// Keeps the guardian supplied with what it sends when this node dies: the signed end of this life, with all its terms, and where
// the keepers listen. And hears the same from others.
import type { PeerId, Term } from '../../protocols/ids.ts'
import { lifeOf } from '../../protocols/ids.ts'
import { DOMAIN } from '../../protocols/trust.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import { hostAndPort } from '../mesh/address-book.ts'
import type { MeshHost } from '../mesh/host.ts'
import { createLastWordsListener, encodeLastWords, sealLastWords } from '../mesh/last-words.ts'
import type { Runner } from '../runner/guardian-client.ts'
import type { Identity } from '../trust/identity.ts'
import type { TrustSet } from '../trust/trust-set.ts'

export type LastWordsWiring = { onLease(untilMs: number | undefined, term: Term): void; start(): Promise<void>; stop(): Promise<void> }

type Components = {
  psk: Uint8Array
  mesh: string
  identity: Identity
  trust: Pick<TrustSet, 'isMember'>
  runner: Pick<Runner, 'lease' | 'lastWords'>
  host: Pick<MeshHost, 'addressesOf' | 'addresses' | 'self'>
  clock: Clock
  log: Log
  seats(): readonly PeerId[]
  onLastWords(node: PeerId, term: Term): void
}

export function createLastWordsWiring({
  psk,
  mesh,
  identity,
  trust,
  runner,
  host,
  clock,
  log,
  seats,
  onLastWords,
}: Components): LastWordsWiring {
  let armed = ''
  let listener: ReturnType<typeof createLastWordsListener> | undefined

  const arm = (life: Term): void => {
    const others = seats().filter((seat) => seat !== host.self)
    const targets = others.flatMap((seat) => host.addressesOf(seat).flatMap((address) => hostAndPort(address) ?? []))
    const key = JSON.stringify([life, targets])
    if (key === armed) return
    armed = key
    const body = encodeLastWords({ v: 1, mesh, node: host.self, term: life })
    runner.lastWords(sealLastWords(psk, body, identity.sign(DOMAIN.lastWords, body)), targets)
  }
  return {
    onLease(untilMs, term) {
      runner.lease(term, untilMs ?? 0)
      if (untilMs !== undefined) arm(lifeOf(term))
    },
    async start() {
      const own = host.addresses().flatMap((address) => hostAndPort(address) ?? [])
      const port = own[0]?.port
      if (port === undefined) return
      const bind = own.length > 1 ? '0.0.0.0' : (own[0]?.host ?? '127.0.0.1')
      const verifyMember = (peer: PeerId, domain: string, bytes: Uint8Array, signature: Uint8Array): boolean =>
        trust.isMember(peer) && identity.verifyPeer(peer, domain, bytes, signature)
      listener = createLastWordsListener(
        { psk, mesh, clock, log, verifyMember, onLastWords: (node, term) => onLastWords(node, term as Term) },
        { host: bind, port },
      )
      await listener.start()
    },
    stop: async () => listener?.stop(),
  }
}
