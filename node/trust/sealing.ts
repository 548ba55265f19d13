// Seals values to members, so that only they can open them and know who sealed: HPKE in auth mode (RFC 9180: X25519,
// HKDF-SHA256, AES-256-GCM). The private key is derived from the identity's seed and never leaves this file.
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core'
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { Identity } from './identity.ts'

export type Sealed = { enc: Uint8Array; key: Uint8Array }

export type Sealing = {
  /** 32 bytes, for all to see. */
  publicKey: Uint8Array
  /** @param context what it is for; opening with another one fails */
  seal(to: Uint8Array, secret: Uint8Array, context: Uint8Array): Promise<Sealed>
  /** Rejects where it was not sealed to this node by that sender in that context. */
  open(from: Uint8Array, sealed: Sealed, context: Uint8Array): Promise<Uint8Array>
}

const DOMAIN = 'nimbus-sealing-key-1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

export async function createSealing({ seed }: Pick<Identity, 'seed'>): Promise<Sealing> {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })
  const own = await suite.kem.deriveKeyPair(hkdfSync('sha256', seed, new Uint8Array(), DOMAIN, 32))
  const publicKeyOf = (bytes: Uint8Array): Promise<typeof own.publicKey> => suite.kem.deserializePublicKey(buffer(bytes))
  return {
    publicKey: new Uint8Array(await suite.kem.serializePublicKey(own.publicKey)),
    async seal(to, secret, context) {
      const sender = { recipientPublicKey: await publicKeyOf(to), senderKey: own, info: buffer(context) }
      const { enc, ct } = await suite.seal(sender, buffer(secret))
      return { enc: new Uint8Array(enc), key: new Uint8Array(ct) }
    },
    async open(from, { enc, key }, context) {
      const recipient = { recipientKey: own, senderPublicKey: await publicKeyOf(from), enc: buffer(enc), info: buffer(context) }
      return new Uint8Array(await suite.open(recipient, buffer(key)))
    },
  }
}

/** One encryption for all who may read: the key is what is sealed to each. */
export function encryptBody(key: Uint8Array, nonce: Uint8Array, text: Uint8Array, context: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context)
  return new Uint8Array(Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]))
}

/** Throws where the body is not the one of this key and context. */
export function decryptBody(key: Uint8Array, body: Uint8Array, context: Uint8Array): Uint8Array {
  const end = body.length - TAG_BYTES
  const cipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, NONCE_BYTES)).setAAD(context).setAuthTag(body.subarray(end))
  return new Uint8Array(Buffer.concat([cipher.update(body.subarray(NONCE_BYTES, end)), cipher.final()]))
}

/** The library takes whole buffers: a view into a larger one would hand out its neighbours. */
function buffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer
}
