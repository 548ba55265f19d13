// Which addresses of repositories are accepted. Pure; a credential must never get past this border, not even in a message.
import { NimbusError } from '../kernel/errors.ts'

/** Parses the address, or throws `repo-url-invalid`, `repo-url-scheme` or `repo-url-credentials`. */
export function parseRepoUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url) {
    const shown = text.includes('@') ? 'The address' : `The address ${JSON.stringify(text.slice(0, 200))}`
    throw new NimbusError('repo-url-invalid', `${shown} is no URL of a repository.`, {
      kind: 'usage',
      cure: 'Give one like https://example.org/team/project.git (not the git@host:path form).',
    })
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new NimbusError(
      'repo-url-scheme',
      `Repositories are cloned over https and http only, and this address has the scheme ${JSON.stringify(url.protocol)}.`,
      { kind: 'refused', cure: 'Use the https address of the repository.' },
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
