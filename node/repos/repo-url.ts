// Which addresses of repositories are accepted. Pure; a credential must never get past this border, not even in a message.
import { hostedName } from '../../protocols/githost/hosted-names.ts'
import { NimbusError } from '../kernel/errors.ts'

/** Parses the address, or throws `repo-url-invalid`, `repo-url-scheme` or `repo-url-credentials`. */
export function parseRepoUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url) {
    const shown = text.includes('@') ? 'The address' : `The address ${JSON.stringify(text.slice(0, 200))}`
    throw new NimbusError('repo-url-invalid', `${shown} is no URL of a repository.`, {
      kind: 'usage',
      cure: 'Give one like https://example.org/team/project.git or ssh://git@example.org/team/project.git (not the git@host:path form).',
    })
  }
  if (url.protocol === 'ssh:') return checkSsh(url)
  if (url.protocol === 'nimbus:') return checkMesh(url)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new NimbusError(
      'repo-url-scheme',
      `Repositories are cloned over https, http, ssh and nimbus only, and this address has the scheme ${JSON.stringify(url.protocol)}.`,
      { kind: 'refused', cure: 'Use the https or ssh address of the repository.' },
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new NimbusError(
      'repo-url-credentials',
      `The address of the repository on ${url.host} carries credentials, which would end up in logs and records.`,
      { kind: 'refused', cure: `Remove what stands before the @: ${url.protocol}//${url.host}${url.pathname}` },
    )
  }
  url.hash = ''
  return url
}

export function isSsh(url: string): boolean {
  return url.startsWith('ssh:')
}

/** `nimbus://WORKER/NAME`, where the worker is a name, a peer ID, or `mesh` for any that keeps it. */
function checkMesh(url: URL): URL {
  const repo = /^\/([^/]+?)(?:\.git)?\/?$/.exec(url.pathname)?.[1]
  const isPlain = url.username === '' && url.password === '' && url.port === '' && url.search === '' && url.hash === ''
  if (isPlain && /^[a-z0-9][a-z0-9._-]{0,127}$/i.test(url.hostname) && hostedName.safeParse(repo).success)
    return new URL(`nimbus://${url.hostname}/${repo}`)
  throw new NimbusError('repo-url-invalid', `${JSON.stringify(url.href.slice(0, 200))} is no address of a hosted repository.`, {
    kind: 'usage',
    cure: 'Write it as nimbus://WORKER/NAME, or nimbus://mesh/NAME for any worker that keeps it.',
  })
}

export function isMesh(url: string): boolean {
  return url.startsWith('nimbus:')
}

/** User, host and path become words of a command line: none may begin like an option, none may hold what a shell would read. */
function checkSsh(url: URL): URL {
  if (url.password !== '')
    throw new NimbusError('repo-url-credentials', `The address of the repository on ${url.host} carries a password.`, {
      kind: 'refused',
      cure: 'Remove it, and set a key: nimbus repo auth set HOST --secret NAME.',
    })
  const fine =
    /^(|[A-Za-z0-9_][A-Za-z0-9_.-]{0,63})$/.test(url.username) &&
    /^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-f:.]+\])$/.test(url.hostname) &&
    /^\/[A-Za-z0-9_.~][A-Za-z0-9_.~/%+@-]*$/.test(url.pathname) &&
    url.search === ''
  if (fine) {
    url.hash = ''
    return url
  }
  throw new NimbusError(
    'repo-url-invalid',
    'That is no ssh address of a repository: its user, host or path has signs that none of them has.',
    {
      kind: 'usage',
      cure: 'Give one like ssh://git@example.org/team/project.git',
    },
  )
}

/** Branch, tag, `refs/…` or full commit; the rules of git's own check-ref-format, and no leading dash. */
export function checkRef(ref: string): string {
  const fine =
    ref.length <= 255 &&
    /^[^\s~^:?*[\\\x00-\x1f\x7f]+$/.test(ref) &&
    !/^[-/.]|[/.]$|\.\.|\/\/|\/\.|@\{|\.lock(\/|$)/.test(ref) &&
    ref !== '@'
  if (fine) return ref
  throw new NimbusError('repo-ref-invalid', `${JSON.stringify(ref.slice(0, 100))} cannot name a branch, tag or commit.`, {
    kind: 'usage',
    cure: 'Give a branch, a tag, or a full commit of 40 digits.',
  })
}
