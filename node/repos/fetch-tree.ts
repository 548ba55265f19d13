// Fetches one branch, tag or commit and checks it out, with isomorphic-git. Runs in a helper process only: it keeps the whole pack
// in memory (nine times its size) and blocks while it unpacks.
import fs from 'node:fs/promises'
import git, { type HttpClient } from 'isomorphic-git'
import type { Checkout } from '../../protocols/repos/checkout.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { FetchStep } from './progress.ts'

export type FetchedTree = { commit: string; branch?: string }

type FetchOrder = { url: string; ref: string | undefined; dir: string; treeBytesMax: number; checkout: Checkout }
type Repo = { depth: number; fs: { promises: typeof fs }; http: HttpClient; dir: string; onProgress(step: FetchStep): void }

export async function fetchTree(http: HttpClient, order: FetchOrder, onProgress: (step: FetchStep) => void): Promise<FetchedTree> {
  if (order.checkout.sparse !== undefined)
    throw new NimbusError(
      'repo-sparse-needs-git',
      'A part of a repository is cloned with git, and this machine has none or may not use it.',
      {
        kind: 'refused',
        cure: 'Install git on this worker, choose one that has it (--skill, --label), or clone all of it.',
      },
    )
  const { depth = 1 } = order.checkout
  const repo: Repo = { fs: { promises: boundedFs(order.treeBytesMax) }, http, dir: order.dir, depth, onProgress }
  await git.init({ ...repo, defaultBranch: 'main' })
  await git.addRemote({ ...repo, remote: 'origin', url: order.url })
  const tree = await fetchRef(repo, order.ref)
  if (tree.branch !== undefined) {
    await git.writeRef({ ...repo, ref: `refs/heads/${tree.branch}`, value: tree.commit, force: true })
    await git.checkout({ ...repo, ref: tree.branch, track: false })
  } else {
    await git.checkout({ ...repo, ref: tree.commit })
  }
  return tree
}

async function fetchRef(repo: Repo, ref: string | undefined): Promise<FetchedTree> {
  if (ref !== undefined && /^[0-9a-f]{40}$/.test(ref)) return fetchCommit(repo, ref)
  const remoteRef = ref ?? 'HEAD'
  const { fetchHead, defaultBranch } = await git.fetch({
    ...repo,
    remote: 'origin',
    ref: remoteRef,
    remoteRef,
    singleBranch: true,
    tags: false,
  })
  if (fetchHead === null)
    throw new NimbusError('repo-empty', 'The repository has no commits yet.', { kind: 'missing', cure: 'Push a first commit.' })
  // A tag with a message is an object of its own; this finds the commit behind it.
  const { oid: commit } = await git.readCommit({ ...repo, oid: fetchHead })
  const branch = (ref ?? defaultBranch ?? '').replace(/^refs\/heads\//, '')
  const fetched = branch === '' ? undefined : await git.resolveRef({ ...repo, ref: `refs/remotes/origin/${branch}` }).catch(() => undefined) // a tag has none
  return fetched === fetchHead ? { commit, branch } : { commit }
}

/** Some servers give out a single commit; from the others all branches and tags are fetched to find it. */
async function fetchCommit(repo: Repo, commit: string): Promise<FetchedTree> {
  try {
    await git.fetch({ ...repo, remote: 'origin', ref: commit, remoteRef: commit, singleBranch: true, tags: false })
    await git.readCommit({ ...repo, oid: commit })
  } catch (error) {
    if (error instanceof NimbusError || error instanceof git.Errors.HttpError) throw error
    const { depth: _depth, ...all } = repo
    await git.fetch({ ...all, remote: 'origin', tags: true })
    await git.readCommit({ ...repo, oid: commit })
  }
  return { commit }
}

/** A small pack may name one large file ten thousand times: what is written is counted. */
function boundedFs(bytesMax: number): typeof fs {
  let written = 0
  const writeFile: typeof fs.writeFile = async (path, data, options) => {
    written += (data as { length?: number }).length ?? 0
    if (written > bytesMax)
      throw new NimbusError('repo-too-large', `The clone was ended, because its files take more than ${bytesMax} bytes.`, {
        kind: 'refused',
        cure: 'Raise the limit for clones, or make the repository smaller.',
      })
    return fs.writeFile(path, data, options)
  }
  return { ...fs, writeFile }
}
