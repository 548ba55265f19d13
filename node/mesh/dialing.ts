// Opens connections, and says in the user's words why one did not open.
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Libp2pNode } from './libp2p-node.ts'

const DIAL_TIMEOUT_MS = 5000

/** @param addresses of one peer, tried together until one answers */
export async function connect(node: Libp2pNode, addresses: string[], clock: Pick<Clock, 'after'>): Promise<Connection> {
  const timeout = new AbortController()
  const cancel = clock.after(DIAL_TIMEOUT_MS, () => timeout.abort(new Error(`no answer within ${DIAL_TIMEOUT_MS} ms`)))
  try {
    return await node.dial(
      addresses.map((address) => multiaddr(address)),
      { signal: timeout.signal },
    )
  } catch (error) {
    throw dialError(addresses, error)
  } finally {
    cancel()
  }
}

function dialError(addresses: string[], error: unknown): NimbusError {
  const where = addresses.slice(0, 3).join(', ')
  const causes = error instanceof AggregateError ? error.errors : [error]
  const names = causes.map((cause) => (cause instanceof Error ? cause.name : ''))
  // The key is not compared: with a wrong one each side reads noise from the other, and the handshake breaks off.
  if (names.some((name) => ['EncryptionFailedError', 'InvalidCryptoExchangeError', 'ProtocolError'].includes(name))) {
    return new NimbusError(
      'handshake',
      `Something answers at ${where}, but the handshake broke off: it has another pre-shared key, turns this node away, or is no Nimbus node.`,
      {
        kind: 'refused',
        cure: 'Use an invite of that mesh; it carries the right key.',
        cause: error,
      },
    )
  }
  return new NimbusError('unreachable', `No answer from ${where}: ${messageOf(causes[0])}.`, {
    kind: 'unreachable',
    cure: 'Check that the node there is up and that a firewall lets its port through.',
    cause: error,
  })
}
