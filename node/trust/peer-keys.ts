// Peer IDs and the Ed25519 keys in them, without libp2p: a peer ID is the base58btc identity multihash of the
// protobuf-wrapped public key, so the key can be read from it. Key objects are kept: importing one costs a signature's time.
import type { KeyObject } from 'node:crypto'
import { createPublicKey, verify } from 'node:crypto'
import type { PeerId } from '../../protocols/ids.ts'
import { isPeerId } from '../../protocols/ids.ts'

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
/** identity multihash, 36 bytes; protobuf: key type Ed25519, 32 bytes of data. */
const PREFIX = Buffer.from('002408011220', 'hex')
/** Public keys kept ready; beyond it the one that was added first is imported again when needed. */
const KEYS_MAX = 4096

export type PeerKeys = {
  /** True where `signature` is the peer's own over the domain and the bytes. Never throws: peers choose the input. */
  verifyPeer(peer: PeerId, domain: string, bytes: Uint8Array, signature: Uint8Array): boolean
}

export function createPeerKeys(): PeerKeys {
  const known = new Map<PeerId, KeyObject>()
  const keyOf = (peer: PeerId): KeyObject | undefined => {
    const kept = known.get(peer)
    if (kept !== undefined) return kept
    const raw = publicKeyOf(peer)
    if (raw === undefined) return undefined
    if (known.size >= KEYS_MAX) known.delete(known.keys().next().value as PeerId)
    const key = publicKeyObject(raw)
    known.set(peer, key)
    return key
  }
  return {
    verifyPeer(peer, domain, bytes, signature) {
      const key = keyOf(peer)
      return key !== undefined && verifyEd25519(key, domain, bytes, signature)
    },
  }
}

function verifyEd25519(key: KeyObject, domain: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === 64 && verify(null, signingBytes(domain, bytes), key, signature)
}

/** What is signed: the domain (which ends in NUL) and then the bytes. */
export function signingBytes(domain: string, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(domain), bytes])
}

function publicKeyObject(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw).toString('base64url') }, format: 'jwk' })
}

/** @param publicKey 32 bytes */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  return toBase58(Buffer.concat([PREFIX, publicKey])) as PeerId
}

/** The 32 bytes of the public key in a peer ID; undefined where the text is not the one canonical form of such an ID. */
export function publicKeyOf(peer: string): Uint8Array | undefined {
  if (!isPeerId(peer)) return undefined
  let value = 0n
  for (const character of peer) value = value * 58n + BigInt(BASE58.indexOf(character))
  const bytes = Buffer.from(value.toString(16).padStart(76, '0'), 'hex')
  const publicKey = bytes.subarray(PREFIX.length)
  return bytes.length === 38 && peerIdOf(publicKey) === peer ? new Uint8Array(publicKey) : undefined
}

function toBase58(bytes: Uint8Array): string {
  let value = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  let out = ''
  for (; value > 0n; value /= 58n) out = BASE58[Number(value % 58n)] + out
  for (let at = 0; at < bytes.length && bytes[at] === 0; at++) out = `1${out}`
  return out
}
