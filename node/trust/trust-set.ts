// The trust root as a node holds it: a grow-only set of signed records {genesis, certificates, removals}. It only
// checks, keeps and signs records; what they mean is in trust-rules.ts. A peer's bytes get a verdict, never an exception.
import { decode, encode } from '@ipld/dag-cbor'
import { createHash } from 'node:crypto'
import type { ZodType } from 'zod'
import type { MeshId, PeerId } from '../../protocols/ids.ts'
import type { Certificate, Genesis, MemberRole, Removal, Signed, TrustSet as TrustRecords } from '../../protocols/trust.ts'
import { certificate, DOMAIN, genesis, meshIdOf, removal, trustSet } from '../../protocols/trust.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { Identity } from './identity.ts'
import type { Kept, Standing } from './trust-rules.ts'
import { everAdmins, governing, KEEP_DIGITS, standings } from './trust-rules.ts'

/** Records of each kind; beyond it new ones are refused (a mesh of this size needs another root). */
const RECORDS_MAX = 5000
/** Certificates of one subject: a role changed this often is a fault or an attack on the first limit. */
const CERTIFICATES_PER_SUBJECT_MAX = 16
const KEEPS_MAX = 400

export type Cut = [epoch: number, seq: number][]
export type Merged = { changed: boolean; refused: number; wrongMesh: boolean }

export type TrustSetComponents = {
  identity: Pick<Identity, 'peerId' | 'sign' | 'verifyPeer'>
  clock: Pick<Clock, 'wallMs'>
  random: Pick<Random, 'bytes'>
  /** `save` answers when the bytes would survive a loss of power. */
  store: { load(): Promise<Uint8Array | undefined>; save(bytes: Uint8Array): Promise<void> }
  /** Where an error goes that came when nobody was waiting: saving what a peer told. */
  onError: (error: unknown) => void
}

export type TrustSet = {
  /** The stored set; false where this node has none yet. */
  load(): Promise<boolean>
  /** Founds a mesh with this node as its founder. */
  found(name: string): Promise<MeshId>
  /** Takes the set of a mesh that this node joins; false where the bytes are not of that mesh. */
  adopt(mesh: MeshId, bytes: Uint8Array): Promise<boolean>
  mesh(): MeshId
  merge(bytes: Uint8Array): Merged
  isMember(peer: PeerId): boolean
  /** True for who was removed and for who left. */
  isGone(peer: PeerId): boolean
  roleOf(peer: PeerId): MemberRole | undefined
  members(): readonly Standing[]
  issue(subject: PeerId, name: string, role: MemberRole, invite: string): Promise<void>
  remove(subject: PeerId, cut: Cut): Promise<void>
  leave(cut: Cut): Promise<void>
  /** The heads beyond which blocks of a removed or departed member are refused; undefined for all others. */
  cutOf(peer: PeerId): ReadonlyMap<number, number> | undefined
  /** The same on nodes with the same records. */
  digest(): string
  encode(): Uint8Array
  /** The records in parts of at most about `bytesMax`, each a trust set of its own, issuers before their subjects. */
  encodeParts(bytesMax: number): Uint8Array[]
  /** Only what proves that `peer` is a member: the genesis and its chain of certificates. */
  encodeChain(peer: PeerId): Uint8Array
  onChange(listener: () => void): Cancel
}

export function createTrustSet({ identity, clock, random, store, onError }: TrustSetComponents): TrustSet {
  let root: { mesh: MeshId; genesis: Genesis; signed: Signed } | undefined
  const certificates = new Map<string, Kept<Certificate>>()
  const removals = new Map<string, Kept<Removal>>()
  const listeners = new Set<() => void>()
  let standing = new Map<PeerId, Standing>()
  let admins = new Set<PeerId>()
  let saving: Promise<void> = Promise.resolve()

  const rooted = (): NonNullable<typeof root> => {
    if (root !== undefined) return root
    throw new NimbusError('no-mesh', 'This node belongs to no mesh yet.', { cure: 'Found one with `nimbus up`, or join one with `nimbus join INVITE`.' })
  }
  const recordsOf = (some: { certificates: Iterable<Kept<unknown>>; removals: Iterable<Kept<unknown>> }): TrustRecords => ({
    genesis: rooted().signed,
    certificates: Array.from(some.certificates, (kept) => kept.signed),
    removals: Array.from(some.removals, (kept) => kept.signed),
  })
  const encodeAll = (): Uint8Array => encode(recordsOf({ certificates: certificates.values(), removals: removals.values() }))
  const settle = (): void => {
    const kept = [...certificates.values()]
    admins = everAdmins(rooted().genesis.founder, kept)
    standing = new Map(standings(rooted().genesis, kept, [...removals.values()]).map((member) => [member.peerId, member]))
    for (const listener of listeners) listener()
  }
  const save = (): Promise<void> => {
    saving = saving.catch(() => {}).then(() => store.save(encodeAll())) // an earlier failure was told to its own caller
    return saving
  }

  const takeGenesis = (signed: Signed): boolean => {
    const body = bodyOf(signed, genesis)
    if (body === undefined || !identity.verifyPeer(body.founder, DOMAIN.genesis, signed.body, signed.signature)) return false
    root = { mesh: meshIdOf(signed.body), genesis: body, signed }
    admins = new Set([body.founder])
    return true
  }
  const takeCertificate = (signed: Signed, digest: string): boolean => {
    const body = bodyOf(signed, certificate)
    if (body === undefined || body.mesh !== rooted().mesh || !admins.has(body.issuer)) return false
    const ofSubject = [...certificates.values()].filter((kept) => kept.body.subject === body.subject)
    if (certificates.size >= RECORDS_MAX || ofSubject.length >= CERTIFICATES_PER_SUBJECT_MAX) return false
    if (!identity.verifyPeer(body.issuer, DOMAIN.certificate, signed.body, signed.signature)) return false
    certificates.set(digest, { digest, signed, body })
    if (body.role === 'admin') admins.add(body.subject)
    return true
  }
  const takeRemoval = (signed: Signed, digest: string): boolean => {
    const body = bodyOf(signed, removal)
    if (body === undefined || body.mesh !== rooted().mesh || removals.size >= RECORDS_MAX) return false
    const bySelf = body.issuer === body.subject
    if (body.left !== bySelf || (!bySelf && (!admins.has(body.issuer) || body.subject === rooted().genesis.founder))) return false
    if (bySelf && body.subject !== rooted().genesis.founder && ![...certificates.values()].some((kept) => kept.body.subject === body.subject)) return false
    if (!identity.verifyPeer(body.issuer, DOMAIN.removal, signed.body, signed.signature)) return false
    removals.set(digest, { digest, signed, body })
    return true
  }
  /** Takes what stands; a certificate may come before its issuer's, so the rest is tried again while any was taken. */
  const takeAll = (records: TrustRecords): { taken: number; refused: number } => {
    let taken = 0
    let waiting = [
      ...records.certificates.map((signed) => ({ signed, digest: digestOf(signed), known: certificates, take: takeCertificate })),
      ...records.removals.map((signed) => ({ signed, digest: digestOf(signed), known: removals, take: takeRemoval })),
    ].filter((record) => !record.known.has(record.digest))
    for (let before = -1; before !== waiting.length; ) {
      before = waiting.length
      waiting = waiting.filter((record) => !record.known.has(record.digest) && !record.take(record.signed, record.digest))
      taken += before - waiting.length
    }
    return { taken, refused: waiting.length }
  }
  const merge = (bytes: Uint8Array): Merged & { saved: Promise<void> } => {
    const records = parse(bytes)
    const nothing = { changed: false, refused: 1, saved: Promise.resolve() }
    if (records === undefined) return { ...nothing, wrongMesh: false }
    if (meshIdOf(records.genesis.body) !== root?.mesh) return { ...nothing, wrongMesh: true }
    const { taken, refused } = takeAll(records)
    if (taken === 0) return { ...nothing, refused, wrongMesh: false }
    settle()
    return { changed: true, refused, wrongMesh: false, saved: save() }
  }

  const signRecord = (domain: string, body: Certificate | Removal | Genesis): Signed => {
    const bytes = encode(body)
    return { body: bytes, signature: identity.sign(domain, bytes) }
  }
  /** Own records take the same way as a peer's, and are durable before the caller hears of them. */
  const append = async (records: { certificates?: Signed[]; removals?: Signed[] }): Promise<void> => {
    const { refused, saved } = merge(encode({ genesis: rooted().signed, certificates: records.certificates ?? [], removals: records.removals ?? [] }))
    if (refused > 0) throw new NimbusError('trust-refused', 'This node may not sign that record: it is not an admin, or the set is full.', { kind: 'refused', cure: 'Ask an admin of the mesh.' })
    await saved
  }
  const certify = (subject: PeerId, name: string, role: MemberRole, invite: string): Promise<void> =>
    append({ certificates: [signRecord(DOMAIN.certificate, { v: 1, mesh: rooted().mesh, subject, name, role, issuer: identity.peerId, issuedAt: clock.wallMs(), invite })] })

  return {
    async load() {
      const bytes = await store.load()
      if (bytes === undefined) return false
      const records = parse(bytes)
      if (records === undefined || !takeGenesis(records.genesis)) {
        throw new NimbusError('trust-damaged', 'The stored trust set of this node cannot be read.', { cure: 'Restore the data folder from a backup, or join again with a fresh one.' })
      }
      takeAll(records)
      settle()
      return true
    },
    async found(name) {
      takeGenesis(signRecord(DOMAIN.genesis, { v: 1, founder: identity.peerId, createdAt: clock.wallMs(), nonce: random.bytes(16) }))
      await certify(identity.peerId, name, 'admin', 'genesis')
      return rooted().mesh
    },
    async adopt(mesh, bytes) {
      const records = parse(bytes)
      if (records === undefined || meshIdOf(records.genesis.body) !== mesh || !takeGenesis(records.genesis)) return false
      takeAll(records)
      settle()
      await save()
      return true
    },
    mesh: () => rooted().mesh,
    merge(bytes) {
      const { saved, ...merged } = merge(bytes)
      saved.catch(onError)
      return merged
    },
    isMember: (peer) => standing.has(peer) && !isGone(standing.get(peer)),
    isGone: (peer) => isGone(standing.get(peer)),
    roleOf: (peer) => (isGone(standing.get(peer)) ? undefined : standing.get(peer)?.role),
    members: () => [...standing.values()],
    issue: certify,
    async remove(subject, cut) {
      const keeps = [...certificates.values()].filter((kept) => kept.body.issuer === subject).map((kept) => Buffer.from(kept.digest.slice(0, KEEP_DIGITS), 'hex'))
      const parts = Array.from({ length: Math.max(1, Math.ceil(keeps.length / KEEPS_MAX)) }, (_, part) => keeps.slice(part * KEEPS_MAX, (part + 1) * KEEPS_MAX))
      const record = { v: 1 as const, mesh: rooted().mesh, subject, issuer: identity.peerId, at: clock.wallMs(), left: false, cut }
      await append({ removals: parts.map((part) => signRecord(DOMAIN.removal, { ...record, keeps: part })) })
    },
    leave: (cut) =>
      append({ removals: [signRecord(DOMAIN.removal, { v: 1, mesh: rooted().mesh, subject: identity.peerId, issuer: identity.peerId, at: clock.wallMs(), left: true, cut })] }),
    cutOf: (peer) => cutOf([...removals.values()].filter((kept) => kept.body.subject === peer)),
    digest: () => createHash('sha256').update([rooted().mesh, ...[...certificates.keys(), ...removals.keys()].sort()].join()).digest('hex'),
    encode: encodeAll,
    encodeParts: (bytesMax) => partsOf([...certificates.values()], [...removals.values()], bytesMax).map((part) => encode(recordsOf(part))),
    encodeChain(peer) {
      const chain: Kept<Certificate>[] = []
      for (let subject = peer, from = -1; from < chain.length; ) {
        from = chain.length
        const next = [...certificates.values()].filter((kept) => kept.body.subject === subject && !chain.includes(kept)).sort((a, b) => b.body.issuedAt - a.body.issuedAt)
        // An admin's own certificates count, whichever role was given last: take the strongest proof first.
        const proof = subject === peer ? next[0] : next.find((kept) => kept.body.role === 'admin')
        if (proof === undefined) break
        chain.unshift(proof)
        subject = proof.body.issuer
        if (subject === rooted().genesis.founder) break
      }
      return encode(recordsOf({ certificates: chain, removals: [] }))
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

function isGone(member: Standing | undefined): boolean {
  return member?.left === true || member?.removed === true
}

/** Where several removals name different heads of an epoch, the furthest: each issuer vouches for what it had seen. */
function cutOf(removals: Kept<Removal>[]): ReadonlyMap<number, number> | undefined {
  if (removals.length === 0) return undefined
  const cut = new Map<number, number>()
  for (const { body } of governing(removals)) {
    for (const [epoch, seq] of body.cut) cut.set(epoch, Math.max(seq, cut.get(epoch) ?? 0))
  }
  return cut
}

function partsOf(certificates: Kept<Certificate>[], removals: Kept<Removal>[], bytesMax: number): { certificates: Kept<Certificate>[]; removals: Kept<Removal>[] }[] {
  let part = { certificates: [] as Kept<Certificate>[], removals: [] as Kept<Removal>[] }
  const parts = [part]
  let size = 0
  const fits = (kept: Kept<unknown>): typeof part => {
    size += kept.signed.body.length + 100 // signature and CBOR around it
    if (size > bytesMax) {
      part = { certificates: [], removals: [] }
      parts.push(part)
      size = kept.signed.body.length + 100
    }
    return part
  }
  for (const kept of certificates) fits(kept).certificates.push(kept)
  for (const kept of removals) fits(kept).removals.push(kept)
  return parts
}

function parse(bytes: Uint8Array): TrustRecords | undefined {
  try {
    return trustSet.safeParse(decode(bytes)).data
  } catch {
    return undefined // not DAG-CBOR: a peer's bytes are judged, not trusted to decode
  }
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
