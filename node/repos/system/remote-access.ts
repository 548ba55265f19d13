// A way for the machine's git to fetch from a repository and to push to it, with what the mesh has for that place. What a server asks for
// is asked first, for pushing: many let everybody read.
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { authorizationFor, type RepoCredential } from '../auth/credential.ts'
import { withHttpLogin } from '../auth/http-login.ts'
import { withSsh } from '../auth/ssh-login.ts'
import { isMesh, isSsh, parseRepoUrl } from '../repo-url.ts'
import { type GitAccess, meshAccess } from './git-command.ts'

const REDIRECTS_MAX = 4
const ASKED = '/info/refs?service=git-receive-pack'

/** `url` is where the server really is, after redirects. */
export type Remote = { url: string; access: GitAccess }
export type RemoteRequest = {
  url: string
  credential: RepoCredential | undefined
  /** File of the keys of SSH hosts. */
  knownHosts: string
  /** Data folder of the node through which repositories of the mesh are reached. */
  meshDataDir: string
  signal: AbortSignal
}

/** @throws NimbusError `repo-push-needs-credentials`, `repo-not-reached`, `repo-auth-in-clear`, and those of an unusable credential */
export async function withRemote<Result>(request: RemoteRequest, work: (remote: Remote) => Promise<Result>): Promise<Result> {
  const { credential, knownHosts } = request
  const url = parseRepoUrl(request.url)
  if (isSsh(url.href)) return withSsh({ url, credential, knownHosts }, (access) => work({ url: url.href, access }))
  if (isMesh(url.href)) return work({ url: url.href, access: meshAccess(request.meshDataDir) })
  const { at, authorization } = await askToPush(url, request)
  return withHttpLogin(at, authorization, (access) => {
    if (access !== undefined) return work({ url: at, access })
    throw new NimbusError('repo-auth-in-clear', 'This system has no place where git could be shown the credentials unseen.', {
      kind: 'refused',
      cure: 'Do it at a node on Linux.',
    })
  })
}

async function askToPush(first: URL, { credential, signal }: RemoteRequest): Promise<{ at: string; authorization: string | undefined }> {
  let at = first.href.replace(/\/$/, '')
  for (let hop = 0; hop < REDIRECTS_MAX; hop++) {
    const { status, location, challenge } = await ask(at, signal)
    if (status >= 300 && status < 400 && location !== null && location.includes(ASKED)) {
      at = parseRepoUrl(new URL(location, at).href.replace(ASKED, '')).href
      continue
    }
    if (status !== 401) return { at, authorization: undefined }
    // What is kept for one place is shown to no other.
    const secret = new URL(at).origin === first.origin ? credential : undefined
    if (secret?.secret !== undefined) return { at, authorization: authorizationFor(secret, challenge) }
    throw new NimbusError('repo-push-needs-credentials', `${new URL(at).host} asks who wants to push, and the mesh has nothing for it.`, {
      kind: 'refused',
      cure: `Give the mesh a token: nimbus secret set NAME < FILE, then nimbus repo auth set ${new URL(at).host} --secret NAME`,
    })
  }
  throw new NimbusError('repo-not-reached', `${first.host} sends from one address to the next, ${REDIRECTS_MAX} times.`, {
    kind: 'refused',
  })
}

async function ask(at: string, signal: AbortSignal): Promise<{ status: number; location: string | null; challenge: string }> {
  try {
    const { status, headers, body } = await fetch(at + ASKED, { redirect: 'manual', signal })
    await body?.cancel()
    return { status, location: headers.get('location'), challenge: headers.get('www-authenticate') ?? '' }
  } catch (error) {
    throw new NimbusError('repo-not-reached', `${new URL(at).host} cannot be reached: ${messageOf(error)}`, {
      kind: 'unreachable',
      cause: error,
      cure: 'Try again when it can, or from another node.',
    })
  }
}
