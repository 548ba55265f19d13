// The signed records of a mesh's trust root, as a grow-only set: it checks and keeps them, and writes them out in the
// three forms that others need. What they mean is in trust-rules.ts. A peer's bytes get a verdict, never an exception.
import { decode, encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import type { ZodType } from 'zod'
import type { MeshId, PeerId } from '../../protocols/ids.ts'
import type { Certificate, Genesis, Removal, Signed, TrustSet as Records } from '../../protocols/trust.ts'
import { certificate, DOMAIN, genesis, meshIdOf, removal, trustSet } from '../../protocols/trust.ts'
import type { Identity } from './identity.ts'
import type { Kept } from './trust-rules.ts'
import { everAdmins } from './trust-rules.ts'

/** Records of each kind; beyond it new ones are refused (a mesh of this size needs another root). */
const RECORDS_MAX = 5000
/** Certificates of one subject: a role changed this often is a fault, or an attack on the first limit. */
const CERTIFICATES_PER_SUBJECT_MAX = 16
/** Bytes of a record's signature and of the CBOR around both. */
const RECORD_OVERHEAD_BYTES = 100

export type TrustRecords = {
  readonly mesh: MeshId
  readonly genesis: Genesis
  certificates(): Kept<Certificate>[]
  removals(): Kept<Removal>[]
  /** Takes what stands; says how many were new and how many were refused. */
  take(records: Pick<Records, 'certificates' | 'removals'>): { taken: number; refused: number }
  encode(): Uint8Array
  encodeParts(bytesMax: number): Uint8Array[]
  encodeChain(peer: PeerId): Uint8Array
  digest(): string
}

/** The empty set of a mesh; undefined where the genesis record is not signed by the founder it names. */
export function createTrustRecords(signed: Signed, verifyPeer: Identity['verifyPeer']): TrustRecords | undefined {
  const root = bodyOf(signed, genesis)
  if (root === undefined || !verifyPeer(root.founder, DOMAIN.genesis, signed.body, signed.signature)) return undefined
  const mesh = meshIdOf(signed.body)
  const certificates = new Map<string, Kept<Certificate>>()
  const removals = new Map<string, Kept<Removal>>()
  let admins = new Set([root.founder])

  const takeCertificate = (one: Signed, digest: string): boolean => {
    const body = bodyOf(one, certificate)
    if (body === undefined || body.mesh !== mesh || !admins.has(body.issuer) || certificates.size >= RECORDS_MAX) return false
    if (certificatesOf(certificates, body.subject).length >= CERTIFICATES_PER_SUBJECT_MAX) return false
    if (!verifyPeer(body.issuer, DOMAIN.certificate, one.body, one.signature)) return false
    certificates.set(digest, { digest, signed: one, body })
    if (body.role === 'admin') admins.add(body.subject)
    return true
  }
  const takeRemoval = (one: Signed, digest: string): boolean => {
    const body = bodyOf(one, removal)
    if (body === undefined || body.mesh !== mesh || removals.size >= RECORDS_MAX) return false
    // Who leaves says so itself and must have been here; who is removed is removed by an admin, and never the founder.
    const wasHere = body.subject === root.founder || certificatesOf(certificates, body.subject).length > 0
    const mayLeave = body.left && body.issuer === body.subject && wasHere
    const mayRemove = !body.left && body.issuer !== body.subject && admins.has(body.issuer) && body.subject !== root.founder
    if (!mayLeave && !mayRemove) return false
    if (!verifyPeer(body.issuer, DOMAIN.removal, one.body, one.signature)) return false
    removals.set(digest, { digest, signed: one, body })
    return true
  }
  const encodeSome = (some: { certificates: Kept<Certificate>[]; removals: Kept<Removal>[] }): Uint8Array =>
    encode({
      genesis: signed,
      certificates: some.certificates.map((kept) => kept.signed),
      removals: some.removals.map((kept) => kept.signed),
    })

  return {
    mesh,
    genesis: root,
    certificates: () => [...certificates.values()],
    removals: () => [...removals.values()],
    take(records) {
      const offered = [
        ...records.certificates.map((one) => ({ one, digest: digestOf(one), known: certificates, take: takeCertificate })),
        ...records.removals.map((one) => ({ one, digest: digestOf(one), known: removals, take: takeRemoval })),
      ].filter((record) => !record.known.has(record.digest))
      let waiting = offered
      // A certificate may come before its issuer's: the rest is tried again while any was taken.
      for (let before = -1; before !== waiting.length; ) {
        before = waiting.length
        waiting = waiting.filter((record) => !record.known.has(record.digest) && !record.take(record.one, record.digest))
      }
      if (waiting.length < offered.length) admins = everAdmins(root.founder, [...certificates.values()])
      return { taken: offered.length - waiting.length, refused: waiting.length }
    },
    encode: () => encodeSome({ certificates: [...certificates.values()], removals: [...removals.values()] }),
    encodeParts: (bytesMax) => partsOf([...certificates.values()], [...removals.values()], bytesMax).map(encodeSome),
    encodeChain: (peer) => encodeSome({ certificates: chainOf(peer, root.founder, certificates), removals: [] }),
    digest: () =>
      createHash('sha256')
        .update([mesh, ...[...certificates.keys(), ...removals.keys()].sort()].join())
        .digest('hex'),
  }
}

/** A trust set as it travels; undefined where the bytes are none. */
export function decodeTrustSet(bytes: Uint8Array): Records | undefined {
  try {
    return trustSet.safeParse(decode(bytes)).data
  } catch {
    return undefined // not DAG-CBOR: a peer's bytes are judged, not trusted to decode
  }
}

function certificatesOf(certificates: ReadonlyMap<string, Kept<Certificate>>, subject: PeerId): Kept<Certificate>[] {
  return [...certificates.values()].filter((kept) => kept.body.subject === subject)
}

/** The newest certificate of `peer`, and above it admins' certificates up to the founder; the founder's end first. */
function chainOf(peer: PeerId, founder: PeerId, certificates: ReadonlyMap<string, Kept<Certificate>>): Kept<Certificate>[] {
  const chain: Kept<Certificate>[] = []
  let subject = peer
  do {
    const unused = certificatesOf(certificates, subject).filter(
      (kept) => !chain.includes(kept) && (chain.length === 0 || kept.body.role === 'admin'),
    )
    const proof = unused.sort((a, b) => b.body.issuedAt - a.body.issuedAt)[0]
    if (proof === undefined) break
    chain.unshift(proof)
    subject = proof.body.issuer
  } while (subject !== founder)
  return chain
}

/** Records in the order in which they were taken, so that an issuer's certificate is never in a later part than its subjects'. */
function partsOf(
  certificates: Kept<Certificate>[],
  removals: Kept<Removal>[],
  bytesMax: number,
): { certificates: Kept<Certificate>[]; removals: Kept<Removal>[] }[] {
  let part = { certificates: [] as Kept<Certificate>[], removals: [] as Kept<Removal>[] }
  let size = 0
  const parts = [part]
  const partFor = (kept: Kept<unknown>): typeof part => {
    const recordSize = kept.signed.body.length + RECORD_OVERHEAD_BYTES
    size += recordSize
    if (size <= bytesMax) return part
    part = { certificates: [], removals: [] }
    parts.push(part)
    size = recordSize
    return part
  }
  for (const kept of certificates) partFor(kept).certificates.push(kept)
  for (const kept of removals) partFor(kept).removals.push(kept)
  return parts
}

function bodyOf<Body>(signed: Signed, schema: ZodType<Body>): Body | undefined {
  try {
    return schema.safeParse(decode(signed.body)).data
  } catch {
    return undefined // as above
  }
}

function digestOf(signed: Signed): string {
  return createHash('sha256').update(signed.body).digest('hex')
}
