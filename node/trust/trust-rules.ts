// Who is a member, as a pure function of the records: the same set gives the same answer on every node, in whatever
// order the records came. Signatures are checked before a record gets here.
import type { PeerId } from '../../protocols/ids.ts'
import type { Certificate, Genesis, MemberRole, Removal, Signed } from '../../protocols/trust.ts'

/** A record whose signature was checked, under the SHA-256 of its body (lower-case hex). */
export type Kept<Body> = { digest: string; signed: Signed; body: Body }

export type Standing = {
  peerId: PeerId
  /** The name it asked for; names are made unique where they are shown. */
  name: string
  role: MemberRole
  /** Of its first certificate: when it joined. */
  issuedAt: number
  left?: boolean
  removed?: boolean
}

/** Hex digits of a digest that a removal's `keeps` holds: 12 bytes. */
export const KEEP_DIGITS = 24

/**
 * Everyone who is or was a member, by (issuedAt, peer ID).
 *
 * A certificate counts when its issuer is the founder or an admin by a certificate that counts, and the issuer's
 * removal, if there is one, lets it stand. The newest certificate says role and name. The founder is the root:
 * it can leave, but nobody can remove it.
 */
export function standings(genesis: Genesis, certificates: readonly Kept<Certificate>[], removals: readonly Kept<Removal>[]): Standing[] {
  const bySubject = Map.groupBy(removals, (removal) => removal.body.subject)
  const honoured = certified(genesis.founder, certificates, (certificate) => stands(certificate, bySubject.get(certificate.body.issuer)))
  const founder: Standing = { peerId: genesis.founder, name: 'founder', role: 'admin', issuedAt: genesis.createdAt }
  const found = new Map<PeerId, Standing>([[genesis.founder, founder]])
  for (const { body } of honoured.toSorted(byAge)) {
    const before = found.get(body.subject)
    const role = body.subject === genesis.founder ? 'admin' : body.role
    found.set(body.subject, { peerId: body.subject, name: body.name, role, issuedAt: before?.issuedAt ?? body.issuedAt })
  }
  for (const standing of found.values()) {
    const gone = bySubject.get(standing.peerId)
    if (gone === undefined) continue
    if (gone.every((removal) => removal.body.left)) standing.left = true
    else standing.removed = true
  }
  return [...found.values()].sort((a, b) => a.issuedAt - b.issuedAt || (a.peerId < b.peerId ? -1 : 1))
}

/** Everyone who ever was an admin, removals aside: their removals count for good, so that membership only shrinks. */
export function everAdmins(founder: PeerId, certificates: readonly Kept<Certificate>[]): Set<PeerId> {
  const admins = certified(founder, certificates, () => true).filter((kept) => kept.body.role === 'admin')
  return new Set([founder, ...admins.map((kept) => kept.body.subject)])
}

/** The removals that count against a subject: an admin's word goes before the subject's own. */
export function governing(removals: readonly Kept<Removal>[]): readonly Kept<Removal>[] {
  const byAdmins = removals.filter((removal) => !removal.body.left)
  return byAdmins.length > 0 ? byAdmins : removals
}

function stands(certificate: Kept<Certificate>, issuerRemovals: readonly Kept<Removal>[] | undefined): boolean {
  if (issuerRemovals === undefined) return true
  return governing(issuerRemovals).some(({ body }) => {
    if (body.left) return certificate.body.issuedAt <= body.at
    return (body.keeps ?? []).some((keep) => certificate.digest.startsWith(Buffer.from(keep).toString('hex')))
  })
}

/** The certificates with an unbroken chain to the founder, each link allowed by `allowed`. */
function certified(
  founder: PeerId,
  certificates: readonly Kept<Certificate>[],
  allowed: (certificate: Kept<Certificate>) => boolean,
): Kept<Certificate>[] {
  const byIssuer = Map.groupBy(certificates, (certificate) => certificate.body.issuer)
  const seen = new Set([founder])
  const found: Kept<Certificate>[] = []
  const admins = [founder]
  for (let admin = admins.pop(); admin !== undefined; admin = admins.pop()) {
    for (const certificate of byIssuer.get(admin) ?? []) {
      if (!allowed(certificate)) continue
      found.push(certificate)
      const { role, subject } = certificate.body
      if (role !== 'admin' || seen.has(subject)) continue
      seen.add(subject)
      admins.push(subject)
    }
  }
  return found
}

function byAge(a: Kept<Certificate>, b: Kept<Certificate>): number {
  return a.body.issuedAt - b.body.issuedAt || (a.digest < b.digest ? -1 : 1)
}
