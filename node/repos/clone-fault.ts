// Gives whatever ended a clone its name, its reason and its cure. No message repeats a credential.
import git from 'isomorphic-git'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { RepoCredential } from './auth/credential.ts'

type Asked = { url: string; ref: string | undefined; credential?: RepoCredential | undefined }

export function cloneFault(order: Asked, error: unknown): NimbusError {
  const { url, ref, credential } = order
  if (error instanceof NimbusError) return error
  // Files are written several at a time; each that failed has its error, and the first says enough.
  if (error instanceof git.Errors.MultipleGitError) return cloneFault(order, error.errors[0])
  const { host, pathname } = new URL(url)
  if (error instanceof git.Errors.HttpError) {
    const status = error.data.statusCode
    if (status === 401 || status === 403) return notLetIn(new URL(url), credential, error)
    if (status === 404 || status === 410)
      return new NimbusError(
        'repo-not-found',
        `There is no repository ${pathname} on ${host}${credential?.secret === undefined ? '' : ', or these credentials may not see it'} (${status}).`,
        {
          kind: 'missing',
          cause: error,
          cure: 'Check the address.',
        },
      )
    return new NimbusError(
      'repo-unreachable',
      `The repository ${pathname} on ${host} cannot be cloned now, because the host answered ${status}.`,
      { kind: 'unreachable', cause: error, cure: 'Try again later.' },
    )
  }
  if (error instanceof git.Errors.SmartHttpError)
    return new NimbusError('repo-not-found', `What ${host} has at ${pathname} is no git repository.`, {
      kind: 'missing',
      cause: error,
      cure: 'Check the address; it is the one that `git clone` takes.',
    })
  if (error instanceof git.Errors.NotFoundError)
    return new NimbusError(
      'repo-ref-not-found',
      `The repository ${pathname} on ${host} has no branch, tag or commit ${JSON.stringify(ref ?? 'HEAD')}.`,
      { kind: 'missing', cause: error, cure: 'Check its name, and that it was pushed.' },
    )
  if (error instanceof git.Errors.UnsafeFilepathError)
    return new NimbusError(
      'repo-unsafe-tree',
      `The repository was refused, because one of its entries has a name that could reach outside it: ${messageOf(error)}.`,
      { kind: 'refused', cause: error, cure: 'Remove it from the repository.' },
    )
  return new NimbusError('clone-failed', `The repository ${pathname} on ${host} could not be cloned, because ${messageOf(error)}.`, {
    cause: error,
    cure: 'Try again; if it fails the same way, look whether `git clone` can read it.',
  })
}

function notLetIn(
  { host, pathname }: URL,
  credential: RepoCredential | undefined,
  error: InstanceType<typeof git.Errors.HttpError>,
): NimbusError {
  const status = error.data.statusCode
  if (credential?.name !== undefined && credential.secret === undefined)
    return new NimbusError(
      'repo-needs-credentials',
      `The repository ${pathname} on ${host} asks for credentials (${status}), and this worker may not open the secret ${credential.name} that is set for it.`,
      { kind: 'refused', cause: error, cure: `nimbus secret grant ${credential.name} --worker WORKER` },
    )
  if (credential?.secret === undefined)
    return new NimbusError(
      'repo-needs-credentials',
      `The repository ${pathname} on ${host} cannot be cloned, because it asks for credentials (${status}); some hosts say so for a repository that does not exist, too.`,
      {
        kind: 'refused',
        cause: error,
        cure: `Check the address; if it is right: nimbus secret set NAME < FILE, then nimbus repo auth set ${host} --secret NAME.`,
      },
    )
  return new NimbusError(
    'repo-credentials-refused',
    `The host ${host} refused the secret ${credential.name ?? ''} for ${pathname} (${status}).`,
    {
      kind: 'refused',
      cause: error,
      cure: `Check that it is valid, belongs to the user that nimbus repo auth ls shows, and may read this repository.`,
    },
  )
}
