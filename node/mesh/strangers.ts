// The door: connections that hold the pre-shared key but have not yet been admitted. They may say hello or join, and
// nothing else, for a short time, few at once. It counts everyone who did not get in.
import type { Connection, ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import type { PeerId } from '../../protocols/ids.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'

export const HELLO_TIMEOUT_MS = 3000
export const JOIN_TIMEOUT_MS = 10_000
/** Bytes of a stranger's frame: a chain of certificates, or a step of the join conversation. */
export const STRANGER_FRAME_BYTES_MAX = 8 * 1024
/** Strangers at once; one more is closed at once. */
const STRANGERS_MAX = 16
/** A removed peer is told why once in this time; in between it is turned away before it can say anything. */
const TOLD_REMOVED_MS = 60_000
const TOLD_MAX = 1024

export type Strangers = {
  gater: ConnectionGater
  /** Takes note of a connection that opened; `known` members do not count against the limit. */
  arrived(connection: Connection, known: boolean): void
  /** A guest that joins gets more time than one that says hello. */
  joining(connection: Connection): void
  /** All connections of the peer may stay. */
  admitted(peer: PeerId): void
  refused(peer: PeerId, code: string): void
  /** How many were turned away, by code; `handshake` are those without the key. */
  counts(): Record<string, number>
}

export function createStrangers({
  clock,
  isRemoved,
}: {
  clock: Pick<Clock, 'nowMs' | 'after'>
  isRemoved: (peer: PeerId) => boolean
}): Strangers {
  const waiting = new Map<string, { peer: PeerId; cancel: Cancel; counted: boolean }>()
  const told = new Map<PeerId, number>()
  const counts: Record<string, number> = {}
  const count = (code: string): void => {
    counts[code] = (counts[code] ?? 0) + 1
  }
  const forget = (id: string): void => {
    waiting.get(id)?.cancel()
    waiting.delete(id)
  }
  const allow = (connection: Connection, counted: boolean, timeMs: number): void => {
    waiting.get(connection.id)?.cancel()
    const cancel = clock.after(timeMs, () => {
      waiting.delete(connection.id)
      count('timeout')
      connection.abort(new Error(`not admitted within ${timeMs} ms`))
    })
    waiting.set(connection.id, { peer: connection.remotePeer.toString() as PeerId, cancel, counted })
  }

  return {
    gater: createGater(count, (peer) => {
      const at = told.get(peer)
      return isRemoved(peer) && at !== undefined && clock.nowMs() - at < TOLD_REMOVED_MS
    }),
    arrived(connection, known) {
      const others = [...waiting.values()].filter((stranger) => stranger.counted).length
      if (!known && others >= STRANGERS_MAX) {
        count('full')
        connection.abort(new Error(`already ${STRANGERS_MAX} strangers at the door`))
        return
      }
      allow(connection, !known, HELLO_TIMEOUT_MS)
      connection.addEventListener('close', () => forget(connection.id), { once: true })
    },
    joining(connection) {
      const stranger = waiting.get(connection.id)
      if (stranger !== undefined) allow(connection, stranger.counted, JOIN_TIMEOUT_MS)
    },
    admitted(peer) {
      for (const [id, stranger] of waiting) if (stranger.peer === peer) forget(id)
    },
    refused(peer, code) {
      count(code)
      if (code !== 'removed') return
      if (told.size >= TOLD_MAX) told.delete(told.keys().next().value as PeerId)
      told.set(peer, clock.nowMs())
    },
    counts: () => ({ ...counts }),
  }
}

/** A connection that closes before its encryption stood never held the key (or never was one of ours). */
function createGater(count: (code: string) => void, isTurnedAway: (peer: PeerId) => boolean): ConnectionGater {
  const unproven = new Set<string>()
  return {
    denyInboundConnection(raw: MultiaddrConnection) {
      const address = raw.remoteAddr.toString()
      unproven.add(address)
      raw.addEventListener('close', () => unproven.delete(address) && count('handshake'), { once: true })
      return false
    },
    denyInboundEncryptedConnection(peer, raw) {
      unproven.delete(raw.remoteAddr.toString())
      const turnedAway = isTurnedAway(peer.toString() as PeerId)
      if (turnedAway) count('removed')
      return turnedAway
    },
  }
}
