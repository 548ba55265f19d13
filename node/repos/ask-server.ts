// What a server says of the ref that is wanted: asked once, before the pack, so that every refusal has its name and both engines agree.
import git, { type HttpClient, type ServerRef } from 'isomorphic-git'
import { NimbusError } from '../kernel/errors.ts'
import type { RepoCredential } from './auth/credential.ts'
import { sshFault } from './auth/ssh-login.ts'
import { type Git, gitFault } from './system/git-command.ts'

/** `url` is where the server really is, after redirects. `ref` is the full name of a tag or of another ref that is no branch. */
export type Target = { url: string; commit: string; branch?: string; ref?: string }

export async function askServer(http: HttpClient, url: string, ref: string | undefined): Promise<Target> {
  let at = url
  const watched: HttpClient = {
    async request(request) {
      const response = await http.request(request)
      const found = /^(.*)\/info\/refs\?service=git-upload-pack$/.exec(response.url)?.[1]
      if (found !== undefined) at = found
      return response
    },
  }
  const refs = await listRefs(watched, url)
  return targetOf(at, refs, ref)
}

/** @param refs all that the server names, HEAD with what it points to */
export function targetOf(at: string, refs: readonly ServerRef[], ref: string | undefined): Target {
  if (ref !== undefined && /^[0-9a-f]{40}$/.test(ref)) return { url: at, commit: ref }
  const find = (name: string): ServerRef | undefined => refs.find((one) => one.ref === name)
  const head = find('HEAD')
  if (ref === undefined) {
    if (head === undefined && refs.length === 0)
      throw new NimbusError('repo-empty', 'The repository has no commits yet.', { kind: 'missing', cure: 'Push a first commit.' })
    if (head === undefined) throw new git.Errors.NotFoundError('HEAD')
    const branch = head.target?.startsWith('refs/heads/') === true ? head.target.slice('refs/heads/'.length) : undefined
    return { url: at, commit: head.oid, ...(branch === undefined ? {} : { branch }) }
  }
  const full = ['', 'refs/', 'refs/tags/', 'refs/heads/'].map((prefix) => find(prefix + ref)).find((one) => one !== undefined)
  if (full === undefined) throw new git.Errors.NotFoundError(ref)
  if (full.ref.startsWith('refs/heads/')) return { url: at, commit: full.oid, branch: full.ref.slice('refs/heads/'.length) }
  return { url: at, commit: full.peeled ?? full.oid, ref: full.ref }
}

/** Servers of protocol 2 are asked for their refs; older ones have said them already. */
async function listRefs(http: HttpClient, url: string): Promise<ServerRef[]> {
  const info = await git.getRemoteInfo2({ http, url, protocolVersion: 2 })
  return info.protocolVersion === 1
    ? (info.refs ?? [])
    : git.listServerRefs({ http, url, protocolVersion: 2, symrefs: true, peelTags: true })
}

/** What `git ls-remote` says over SSH, as servers over HTTP say it. */
export function listOverSsh(remote: Git, order: { url: string; credential?: RepoCredential | undefined }): Promise<ServerRef[]> {
  return listWithGit(remote, order, (stderr) => sshFault(stderr, new URL(order.url), order.credential))
}

/** The same over any transport that git has. @param faultOf names what went wrong, where it can */
export async function listWithGit(
  remote: Git,
  order: { url: string },
  faultOf: (stderr: string) => NimbusError | undefined,
): Promise<ServerRef[]> {
  const { exitCode, stdout, stderr } = await remote.run(['ls-remote', '--symref', '--', order.url])
  if (exitCode !== 0) throw faultOf(stderr) ?? gitFault(stderr)
  const refs = new Map<string, ServerRef>()
  const targets = new Map<string, string>()
  for (const line of stdout.split('\n')) {
    const [, target, symbolic] = /^ref: (\S+)\t(\S+)$/.exec(line) ?? []
    if (target !== undefined && symbolic !== undefined) targets.set(symbolic, target)
    const [, oid, name, peeled] = /^([0-9a-f]{40})\t(\S+?)(\^\{\})?$/.exec(line) ?? []
    if (oid === undefined || name === undefined) continue
    const known = refs.get(name)
    const pointed = targets.get(name)
    if (peeled !== undefined && known !== undefined) known.peeled = oid
    else refs.set(name, { ref: name, oid, ...(pointed === undefined ? {} : { target: pointed }) })
  }
  return [...refs.values()]
}
