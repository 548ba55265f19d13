// Identities of simulated nodes: peer IDs that count up, signatures that only tell authors apart.
import { createHash } from 'node:crypto'
import type { PeerId } from '../../../protocols/ids.ts'

/** Stands in for Ed25519 here: the cost of real signatures would hide the schedules. */
export function fakeSign(author: PeerId, bytes: Uint8Array): Uint8Array {
  return createHash('sha512').update(author).update(bytes).digest()
}

export function fakePeer(index: number): PeerId {
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZ'
  return `12D3Koo${'W'.repeat(42)}${letters[Math.floor(index / 100)]}${letters[Math.floor(index / 10) % 10]}${letters[index % 10]}` as PeerId
}
