// The trust root as this node holds it: the records, what they mean now, and this node's own signature for new ones.
// Own records are durable before anybody hears of them; what a peer told is saved behind its back.
import { encode } from '@ipld/dag-cbor'
import type { MeshId, PeerId } from '../../protocols/ids.ts'
import type { Certificate, Genesis, MemberRole, Removal, Signed } from '../../protocols/trust.ts'
import { DOMAIN, meshIdOf } from '../../protocols/trust.ts'
import type { Cancel, Clock } from '../kernel/clock.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Random } from '../kernel/random.ts'
import type { Identity } from './identity.ts'
import type { TrustRecords } from './trust-records.ts'
import { createTrustRecords, decodeTrustSet } from './trust-records.ts'
import type { Kept, Standing } from './trust-rules.ts'
import { governing, KEEP_DIGITS, standings } from './trust-rules.ts'

/** Certificates that one removal can let stand; a removed admin with more gets several removals. */
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
  /** Reads the stored set; false where this node has none yet. */
  load(): Promise<boolean>
  /** Founds a mesh with this node as its founder. */
  found(name: string): Promise<MeshId>
  /** Takes the set of a mesh that this node joins; false where the bytes are not of that mesh. */
  adopt(mesh: MeshId, bytes: Uint8Array): Promise<boolean>
  mesh(): MeshId
  /** Who signed the genesis record: the first seat and the first admin. */
  founder(): PeerId
  merge(bytes: Uint8Array): Merged
  isMember(peer: PeerId): boolean
  /** True for who was removed and for who left. */
  isGone(peer: PeerId): boolean
  roleOf(peer: PeerId): MemberRole | undefined
  /** Everyone who is or was a member, by (issuedAt, peer ID), with the names they asked for. */
  members(): readonly Standing[]
  issue(subject: PeerId, name: string, role: MemberRole, invite: string): Promise<void>
  /** @param cut the heads of the subject's logs up to which its blocks still count */
  remove(subject: PeerId, cut: Cut): Promise<void>
  leave(cut: Cut): Promise<void>
  /** The heads beyond which blocks of a removed or departed member are refused, by epoch; undefined for all others. */
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
  let held: TrustRecords | undefined
  let standing = new Map<PeerId, Standing>()
  let saving: Promise<void> = Promise.resolve()
  const listeners = new Set<() => void>()

  const records = (): TrustRecords => {
    if (held !== undefined) return held
    throw new NimbusError('no-mesh', 'This node belongs to no mesh yet.', {
      cure: 'Found one with `nimbus up`, or join one with `nimbus join INVITE`.',
    })
  }
  const settle = (): void => {
    const { genesis, certificates, removals } = records()
    standing = new Map(standings(genesis, certificates(), removals()).map((member) => [member.peerId, member]))
    for (const listener of listeners) listener()
  }
  const save = (): Promise<void> => {
    saving = saving.catch(() => {}).then(() => store.save(records().encode())) // an earlier failure was told to its own caller
    return saving
  }
  /** Begins with the set in `bytes`; false where it is none, or of another mesh than `mesh`. */
  const begin = (bytes: Uint8Array, mesh?: MeshId): boolean => {
    const set = decodeTrustSet(bytes)
    if (set === undefined || (mesh !== undefined && meshIdOf(set.genesis.body) !== mesh)) return false
    const fresh = createTrustRecords(set.genesis, identity.verifyPeer)
    if (fresh === undefined) return false
    fresh.take(set)
    held = fresh
    settle()
    return true
  }

  const sign = (domain: string, body: Certificate | Removal | Genesis): Signed => {
    const bytes = encode(body)
    return { body: bytes, signature: identity.sign(domain, bytes) }
  }
  const append = async (certificates: Signed[], removals: Signed[]): Promise<void> => {
    const { refused } = records().take({ certificates, removals })
    if (refused > 0) {
      throw new NimbusError(
        'trust-refused',
        'The mesh would not accept that record from this node: only admins sign certificates and removals, and nobody removes the founder.',
        {
          kind: 'refused',
          cure: 'Do it on an admin node.',
        },
      )
    }
    settle()
    await save()
  }
  const issue = async (subject: PeerId, name: string, role: MemberRole, invite: string): Promise<void> => {
    const body: Certificate = { v: 1, mesh: records().mesh, subject, name, role, issuer: identity.peerId, issuedAt: clock.wallMs(), invite }
    await append([sign(DOMAIN.certificate, body)], [])
  }
  const isGone = (peer: PeerId): boolean => standing.get(peer)?.left === true || standing.get(peer)?.removed === true

  return {
    async load() {
      const bytes = await store.load()
      if (bytes === undefined) return false
      if (begin(bytes)) return true
      throw new NimbusError('trust-damaged', 'The stored trust set of this node cannot be read.', {
        cure: 'Restore the data folder from a backup, or join again with a fresh one.',
      })
    },
    async found(name) {
      const genesis = sign(DOMAIN.genesis, { v: 1, founder: identity.peerId, createdAt: clock.wallMs(), nonce: random.bytes(16) })
      begin(encode({ genesis, certificates: [], removals: [] }))
      await issue(identity.peerId, name, 'admin', 'genesis')
      return records().mesh
    },
    async adopt(mesh, bytes) {
      if (!begin(bytes, mesh)) return false
      await save()
      return true
    },
    mesh: () => records().mesh,
    founder: () => records().genesis.founder,
    merge(bytes) {
      const set = decodeTrustSet(bytes)
      if (set === undefined || held === undefined || meshIdOf(set.genesis.body) !== held.mesh)
        return { changed: false, refused: 1, wrongMesh: set !== undefined }
      const { taken, refused } = held.take(set)
      if (taken > 0) {
        settle()
        save().catch(onError)
      }
      return { changed: taken > 0, refused, wrongMesh: false }
    },
    isMember: (peer) => standing.has(peer) && !isGone(peer),
    isGone,
    roleOf: (peer) => (isGone(peer) ? undefined : standing.get(peer)?.role),
    members: () => [...standing.values()],
    issue,
    async remove(subject, cut) {
      const issued = records()
        .certificates()
        .filter((kept) => kept.body.issuer === subject)
      const keeps = issued.map((kept) => Buffer.from(kept.digest.slice(0, KEEP_DIGITS), 'hex'))
      const parts = Array.from({ length: Math.max(1, Math.ceil(keeps.length / KEEPS_MAX)) }, (_, part) =>
        keeps.slice(part * KEEPS_MAX, (part + 1) * KEEPS_MAX),
      )
      const body = { v: 1 as const, mesh: records().mesh, subject, issuer: identity.peerId, at: clock.wallMs(), left: false, cut }
      await append(
        [],
        parts.map((part) => sign(DOMAIN.removal, { ...body, keeps: part })),
      )
    },
    async leave(cut) {
      const self = identity.peerId
      await append(
        [],
        [sign(DOMAIN.removal, { v: 1, mesh: records().mesh, subject: self, issuer: self, at: clock.wallMs(), left: true, cut })],
      )
    },
    cutOf: (peer) =>
      cutOf(
        records()
          .removals()
          .filter((kept) => kept.body.subject === peer),
      ),
    digest: () => records().digest(),
    encode: () => records().encode(),
    encodeParts: (bytesMax) => records().encodeParts(bytesMax),
    encodeChain: (peer) => records().encodeChain(peer),
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
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
