// Which commits a worker takes: what its operator has asked for, as plain settings, and the check of it.
import { hostedName } from '../../protocols/githost/hosted-names.ts'
import { signatureObjection, type SignedCommit } from './stage/signature.ts'

export type UpgradePolicy = 'admin' | 'signed' | 'none'
export type UpgradeOptions = {
  follow: { url: string; branch: string }
  /** `admin`: commits that an admin of the mesh has pushed into it or vouches for. `signed`: commits signed by one of `signers`. `none`: whatever the branch has. */
  policy: UpgradePolicy
  /** Lines as `ssh-ed25519 AAAA… name`. */
  signers: readonly string[]
  /** A command of the repository's own that has to end with 0 in the staged tree. */
  check: readonly string[]
  everyMs: number
  /** Goes first. */
  canary: boolean
  /** Running work may finish for this long before a switch; then it is given back to the mesh. */
  drainMs: number
}

/** The name of a repository that the mesh hosts, of an address as `nimbus://mesh/NAME`. */
export function hostedRepoOf(url: string): string | undefined {
  return hostedName.safeParse(/^nimbus:\/\/mesh\/([^/]+)$/.exec(url)?.[1]).data
}

/** `URL#BRANCH`; `main` where it is left out. Undefined where it is neither. */
export function parseFollow(text: string): UpgradeOptions['follow'] | undefined {
  const [, url = '', branch = 'main'] = /^([^#\s]+?)(?:#([^#\s]+))?$/.exec(text) ?? []
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  const isRemote = parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === '' && parsed.password === ''
  if (!isRemote && hostedRepoOf(url) === undefined) return undefined
  return /^[\w][\w./-]{0,200}$/.test(branch) && !branch.includes('..') ? { url: url.replace(/\/$/, ''), branch } : undefined
}

export function followText({ url, branch }: UpgradeOptions['follow']): string {
  return `${url}#${branch}`
}

/** Why the commit is not taken; undefined where it is. `vouched`: names of the admins who vouch for it. */
export async function policyObjection(
  { policy, signers }: Pick<UpgradeOptions, 'policy' | 'signers'>,
  facts: { vouched: readonly string[]; signed(): Promise<SignedCommit> },
): Promise<{ reason: string; final: boolean } | undefined> {
  if (policy === 'none') return undefined
  if (policy === 'admin') {
    if (facts.vouched.length > 0) return undefined
    return { reason: 'no admin of the mesh has pushed it or vouches for it: nimbus upgrade vouch COMMIT on an admin', final: false }
  }
  const objection = signatureObjection(await facts.signed(), signers)
  return objection === undefined ? undefined : { reason: objection, final: true }
}
