// The helper process of a clone: one order in; steps, then the result or the error, out.
import git from 'isomorphic-git'
import { createSystemClock } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import { serveHelper } from '../runner/commands/helper-process.ts'
import { askServer } from './ask-server.ts'
import { checkTree, type TreeSize } from './check-tree.ts'
import { type FetchedTree, type FetchStep, fetchTree } from './fetch-tree.ts'
import { createGitHttp } from './git-http.ts'
import { fetchWithSystemGit } from './system-git.ts'

export type CloneOrder = {
  url: string
  ref: string | undefined
  dir: string
  receivedBytesMax: number
  treeBytesMax: number
  /** The machine's git, where it is to be used. */
  gitFile: string | undefined
}
export type CloneFault = { code: string; message: string; kind: NimbusError['kind']; cure: string | undefined }
export type CloneMessage = { step: FetchStep } | { done: FetchedTree & TreeSize } | { fault: CloneFault }

/** A new phase is told at once, progress within it ten times a second. */
const STEP_MS = 100

serveHelper<CloneOrder, CloneMessage>(async (order, tell) => {
  try {
    const tree = await fetched(
      order,
      throttled((step) => tell({ step })),
    )
    const size = await checkTree(order.dir)
    tell({ step: { phase: 'Updating workdir', loaded: size.files, total: size.files } })
    tell({ done: { ...tree, ...size } })
  } catch (error) {
    const { code, message, kind, cure } = faultOf(order, error)
    tell({ fault: { code, message, kind, cure } })
  }
})

async function fetched(order: CloneOrder, onProgress: (step: FetchStep) => void): Promise<FetchedTree> {
  const { gitFile, url, ref } = order
  const http = createGitHttp(order)
  if (gitFile === undefined) return fetchTree(http, order, onProgress)
  return fetchWithSystemGit({ ...order, gitFile, target: await askServer(http, url, ref) }, onProgress)
}

function throttled(tell: (step: FetchStep) => void): (step: FetchStep) => void {
  const clock = createSystemClock()
  let phase = ''
  let toldAt = 0
  return (step) => {
    const nowMs = clock.nowMs()
    if (step.phase === phase && step.loaded !== step.total && nowMs - toldAt < STEP_MS) return
    phase = step.phase
    toldAt = nowMs
    tell(step)
  }
}

function faultOf(order: CloneOrder, error: unknown): NimbusError {
  const { url, ref } = order
  if (error instanceof NimbusError) return error
  // Files are written several at a time; each that failed has its error, and the first says enough.
  if (error instanceof git.Errors.MultipleGitError) return faultOf(order, error.errors[0])
  const { host, pathname } = new URL(url)
  if (error instanceof git.Errors.HttpError) {
    const status = error.data.statusCode
    if (status === 401 || status === 403)
      return new NimbusError(
        'repo-needs-credentials',
        `The repository ${pathname} on ${host} cannot be cloned, because it asks for credentials (${status}); some hosts say so for a repository that does not exist, too.`,
        { kind: 'refused', cause: error, cure: 'Check the address, or make the repository readable without credentials.' },
      )
    if (status === 404 || status === 410)
      return new NimbusError('repo-not-found', `There is no repository ${pathname} on ${host} (${status}).`, {
        kind: 'missing',
        cause: error,
        cure: 'Check the address.',
      })
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
