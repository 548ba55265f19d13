// The HTTP client under isomorphic-git: counts what comes in, follows few redirects, and shows credentials only to the host they are
// for, once it has asked for them, and never in the clear over a network.
import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git'
import { NimbusError } from '../kernel/errors.ts'
import { isLoopback } from '../kernel/host-port.ts'
import { authorizationFor, type RepoCredential } from './auth/credential.ts'
import { parseRepoUrl } from './repo-url.ts'

const REDIRECTS_MAX = 5

export type GitHttp = HttpClient & {
  /** The header that the server of this address has asked for and was given. */
  authorization(url: string): string | undefined
  /** Bytes of all answers so far. */
  received(): number
}
type GitHttpOptions = {
  receivedBytesMax: number
  /** Credentials are for the origin of this address. */
  url: string
  credential?: RepoCredential | undefined
}

export function createGitHttp({ receivedBytesMax, url: home, credential }: GitHttpOptions): GitHttp {
  const { origin } = new URL(home)
  let received = 0
  let authorization: string | undefined
  const authorizationOf = (at: URL): Record<string, string> =>
    authorization === undefined || at.origin !== origin ? {} : { authorization }
  /** Asks again, once, where the server wants to know who asks. */
  const exchange = async (at: URL, request: Omit<RequestInit, 'headers'>, headers: Record<string, string>): Promise<Response> => {
    const response = await send(at, { ...request, headers: { ...headers, ...authorizationOf(at) } })
    if (response.status !== 401 || credential?.secret === undefined || authorization !== undefined || at.origin !== origin) return response
    await response.body?.cancel()
    assertPrivate(at)
    authorization = authorizationFor(credential, response.headers.get('www-authenticate') ?? '')
    return send(at, { ...request, headers: { ...headers, authorization } })
  }
  async function* counted(body: AsyncIterable<Uint8Array> | null): AsyncIterableIterator<Uint8Array> {
    for await (const bytes of body ?? []) {
      received += bytes.length
      if (received > receivedBytesMax) {
        throw new NimbusError('repo-too-large', `The clone was ended, because the repository sent more than ${receivedBytesMax} bytes.`, {
          kind: 'refused',
          cure: 'Install git on this worker, which needs less memory, or make the repository smaller.',
        })
      }
      yield bytes
    }
  }
  return {
    authorization: (url) => authorizationOf(new URL(url))['authorization'],
    received: () => received,
    async request({ url, method = 'GET', headers = {}, body }: GitHttpRequest): Promise<GitHttpResponse> {
      const sent = body ? await collect(body) : undefined
      let at = parseRepoUrl(url)
      for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
        const response = await exchange(at, { method, redirect: 'manual', ...(sent ? { body: sent } : {}) }, headers)
        const location = response.headers.get('location')
        if (response.status < 300 || response.status > 399 || location === null) {
          return {
            url: at.href,
            method,
            statusCode: response.status,
            statusMessage: response.statusText,
            headers: Object.fromEntries(response.headers),
            body: counted(response.body),
          }
        }
        await response.body?.cancel()
        at = nextAddress(at, location)
      }
      throw new NimbusError('repo-redirects', `The clone was ended, because ${at.host} redirected more than ${REDIRECTS_MAX} times.`, {
        kind: 'refused',
        cure: 'Use the address where the repository is now.',
      })
    },
  }
}

async function collect(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  return Buffer.concat(parts)
}

async function send(url: URL, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request)
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const why = (cause as { code?: string }).code ?? String(cause)
    throw new NimbusError('repo-unreachable', `The repository's host ${url.host} cannot be reached, because ${why}.`, {
      kind: 'unreachable',
      cause: error,
      cure: 'Check the address and the network of this worker, then try again.',
    })
  }
}

function nextAddress(from: URL, location: string): URL {
  const next = parseRepoUrl(URL.canParse(location, from.href) ? new URL(location, from).href : location)
  if (from.protocol === 'https:' && next.protocol === 'http:') {
    throw new NimbusError('repo-url-scheme', `The clone was ended, because ${from.host} redirected from https to http.`, {
      kind: 'refused',
      cure: 'Use an https address that stays encrypted.',
    })
  }
  return next
}

function assertPrivate({ protocol, hostname, host }: URL): void {
  if (protocol === 'https:' || isLoopback(hostname)) return
  throw new NimbusError(
    'repo-auth-in-clear',
    `The host ${host} asks for credentials over http, where everybody on the way could read them.`,
    {
      kind: 'refused',
      cure: 'Use its https or ssh address.',
    },
  )
}
