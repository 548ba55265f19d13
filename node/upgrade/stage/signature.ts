// Whether a commit was signed by one of the listed SSH keys: the format of `ssh-keygen -Y sign`, as `git commit -S` writes it, checked
// without any program of the machine.
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'

/** `payload`: one character a byte. */
export type SignedCommit = { payload: string; signature: string | undefined }

const BEGIN = '-----BEGIN SSH SIGNATURE-----'
const END = '-----END SSH SIGNATURE-----'
const MAGIC = Buffer.from('SSHSIG')
const NAMESPACE = 'git'
const HASHES: ReadonlySet<string> = new Set(['sha256', 'sha512'])

/**
 * Why the signature does not count; undefined where it does.
 * @param signers lines as `ssh-ed25519 AAAA… name`
 */
export function signatureObjection({ payload, signature }: SignedCommit, signers: readonly string[]): string | undefined {
  if (signature === undefined) return 'it is not signed'
  try {
    const parts = readSignature(signature)
    const signer = signers.find((line) => keyOf(line)?.equals(parts.key) === true)
    if (signer === undefined) return 'it is signed by a key that is not listed'
    if (parts.namespace !== NAMESPACE || !HASHES.has(parts.hash)) return 'its signature is not one of a commit'
    const digest = createHash(parts.hash).update(payload, 'latin1').digest()
    const signed = Buffer.concat([MAGIC, text(NAMESPACE), text(''), text(parts.hash), text(digest)])
    return isValid(parts.key, parts.signature, signed) ? undefined : `its signature by ${nameOf(signer)} is wrong`
  } catch {
    return 'its signature cannot be read'
  }
}

function readSignature(armored: string): { key: Buffer; namespace: string; hash: string; signature: Buffer } {
  const body = armored.slice(armored.indexOf(BEGIN) + BEGIN.length, armored.indexOf(END))
  const reader = readerOf(Buffer.from(body.replace(/\s/g, ''), 'base64'))
  if (!armored.includes(BEGIN) || !reader.bytes(MAGIC.length).equals(MAGIC) || reader.number() !== 1) throw new RangeError('not SSHSIG')
  const key = reader.string()
  const namespace = reader.string().toString('utf8')
  reader.string() // reserved
  return { key, namespace, hash: reader.string().toString('utf8'), signature: reader.string() }
}

function isValid(key: Buffer, signature: Buffer, signed: Buffer): boolean {
  const of = readerOf(key)
  const by = readerOf(signature)
  const type = of.string().toString('utf8')
  const algorithm = by.string().toString('utf8')
  if (type === 'ssh-ed25519' && algorithm === type) {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: of.string().toString('base64url') }
    return verify(null, signed, publicKey(jwk), by.string())
  }
  if (type === 'ssh-rsa' && (algorithm === 'rsa-sha2-512' || algorithm === 'rsa-sha2-256')) {
    const e = of.string().toString('base64url')
    return verify(algorithm.replace('rsa-sha2-', 'sha'), signed, publicKey({ kty: 'RSA', e, n: withoutSign(of.string()) }), by.string())
  }
  return false
}

function publicKey(jwk: Record<string, string>): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' })
}

function withoutSign(number: Buffer): string {
  return number.subarray(number[0] === 0 ? 1 : 0).toString('base64url')
}

function keyOf(line: string): Buffer | undefined {
  const [, , base64] = /^(ssh-[\w-]+) ([A-Za-z0-9+/]+=*)/.exec(line) ?? []
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64')
}

function nameOf(line: string): string {
  return line.split(' ').slice(2).join(' ') || line.slice(0, 40)
}

function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Reads numbers and strings of the SSH wire format; past the end it throws. */
function readerOf(buffer: Buffer) {
  let at = 0
  const bytes = (count: number): Buffer => {
    if (at + count > buffer.length) throw new RangeError('cut off')
    at += count
    return buffer.subarray(at - count, at)
  }
  const number = (): number => bytes(4).readUInt32BE()
  return { bytes, number, string: () => bytes(number()) }
}
