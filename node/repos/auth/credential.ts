// What a repository is read with, opened for one clone. It lives in memory and in the channel to the helper process only: never in a
// URL, an argument, a variable, a file or a message.
import { NimbusError } from '../../kernel/errors.ts'

export type RepoCredential = {
  /** What the secret is called, for messages. */
  name?: string
  /** A password or token; for SSH a private key. */
  secret?: string
  user?: string
  /** The SSH agent that this worker was started with. */
  agentSocket?: string
  /** Public keys of the SSH host; without them the first one seen is kept. */
  hostKeys?: readonly string[]
}

/** GitHub, GitLab and Gitea take any token as the password of this user. */
const TOKEN_USER = 'x-access-token'

/**
 * The header that answers a server's challenge: bearer where it takes nothing else, basic otherwise.
 * @throws NimbusError `repo-credentials-unusable` where the secret cannot stand in a header
 */
export function authorizationFor({ name, secret = '', user = TOKEN_USER }: RepoCredential, challenge: string): string {
  if (/[^\x21-\x7e]/.test(secret) && !/^basic/i.test(challenge)) throw unusable(name, 'it holds spaces or signs that no token has')
  if (/[\r\n\0]/.test(secret))
    throw unusable(name, 'it has several lines; a password or a token has one (an SSH key is for ssh:// addresses)')
  const takesBasic = /(^|,\s*)basic\b/i.test(challenge)
  return takesBasic || !/(^|,\s*)bearer\b/i.test(challenge)
    ? `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`
    : `Bearer ${secret}`
}

export function unusable(name: string | undefined, why: string): NimbusError {
  return new NimbusError('repo-credentials-unusable', `The secret ${name ?? ''} cannot be used for this repository: ${why}.`, {
    kind: 'refused',
    cure: `Set it anew: nimbus secret set ${name ?? 'NAME'} < FILE`,
  })
}
