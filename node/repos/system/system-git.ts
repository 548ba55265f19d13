// The machine's own git, where there is one, for the two parts that it does faster: bringing the pack and writing the files. What
// to fetch, and every refusal, is settled before by the same code as without it, so that both engines give the same results.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkout } from '../../../protocols/repos/checkout.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Target } from '../ask-server.ts'
import type { FetchedTree } from '../fetch-tree.ts'
import { fetchFromNear } from '../near/fetch-near.ts'
import type { Near } from '../near/near.ts'
import { isInside } from '../modules/gitlinks.ts'
import { createGit, type Git, type GitAccess } from './git-command.ts'
import type { FetchStep } from '../progress.ts'
import { fetchProgress } from './fetch-progress.ts'

export type SystemOrder = {
  gitFile: string
  dir: string
  receivedBytesMax: number
  treeBytesMax: number
  target: Target
  access: GitAccess
  checkout: Checkout
  /** Who may have the commit, in the order in which they are asked before the server is. */
  near: readonly Near[]
  /** How git reaches those of other members. */
  mesh?: GitAccess | undefined
  /** Why the server cannot be asked. */
  unreachable?: Error | undefined
}

export async function fetchWithSystemGit(order: SystemOrder, onProgress: (step: FetchStep) => void): Promise<FetchedTree> {
  const { dir, target } = order
  await mkdir(dir, { recursive: true })
  const git = createGit(order.gitFile, dir, order.access)
  const { must } = git
  await must(['init', '-q', '--template='])
  await must(['remote', 'add', '--', 'origin', target.url])
  const onError = fetchProgress(order.receivedBytesMax, onProgress)
  for (const one of order.near) if (await fetchFromNear(order, one, onProgress)) return checkOut(order, target.commit)
  if (order.unreachable !== undefined) throw order.unreachable
  const fetch = ['fetch', '--progress', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head']
  const depth = `--depth=${order.checkout.depth ?? 1}`
  if (target.branch !== undefined)
    await must([...fetch, depth, 'origin', `+refs/heads/${target.branch}:refs/remotes/origin/${target.branch}`], { onError })
  else if (target.ref !== undefined) await must([...fetch, depth, 'origin', `+${target.ref}:${target.ref}`], { onError })
  else {
    const one = await git.run([...fetch, depth, 'origin', target.commit], { onError })
    // Some servers give out a single commit; from the others everything is fetched to find it.
    if (one.exitCode !== 0) await must([...fetch, 'origin', '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'], { onError })
  }
  // The branch may have moved since the server was asked.
  const wanted = target.branch === undefined ? (target.ref ?? target.commit) : `refs/remotes/origin/${target.branch}`
  const commit = (await mustFind(git, `${wanted}^{commit}`)).trim()
  return checkOut(order, commit)
}

/** Nothing that is secret is at hand any more when files of the repository are written. */
async function checkOut(order: SystemOrder, commit: string): Promise<FetchedTree> {
  const { branch } = order.target
  const local = createGit(order.gitFile, order.dir)
  await assertFits(local, commit, order)
  if (order.checkout.sparse !== undefined) await narrow(local, order.dir, order.checkout.sparse)
  if (branch === undefined) await local.must(['checkout', '-q', '-f', '--detach', commit])
  else await local.must(['checkout', '-q', '-f', '--no-track', '-B', branch, commit])
  return branch === undefined ? { commit } : { commit, branch }
}

async function mustFind(git: Git, name: string): Promise<string> {
  const { exitCode, stdout } = await git.run(['rev-parse', '--verify', '--quiet', '--end-of-options', name])
  if (exitCode === 0) return stdout
  throw new NimbusError('repo-ref-not-found', 'not among what the server gave')
}

/** What git writes of a sparse tree: all below the named paths, and the files beside the folders on the way to them. */
function isWritten(path: string, sparse: readonly string[] | undefined): boolean {
  if (sparse === undefined || isInside(path, sparse)) return true
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  return sparse.some((one) => one.startsWith(folder))
}

/** In the patterns of git's own sparse checkout: a command of the task may widen it with `git sparse-checkout add PATH`. */
async function narrow(git: Git, dir: string, sparse: readonly string[]): Promise<void> {
  const steps = new Set(
    sparse.flatMap((path) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_, at, parts) => parts.slice(0, at + 1).join('/')),
    ),
  )
  const onTheWay = [...steps].filter((step) => !isInside(step, sparse)).flatMap((step) => [`/${step}/`, `!/${step}/*/`])
  const whole = sparse.filter((path) => !sparse.some((one) => one !== path && isInside(path, [one])))
  const lines = ['/*', '!/*/', ...onTheWay.toSorted(byDepth), ...whole.toSorted().map((path) => `/${path}`)]
  await mkdir(join(dir, '.git', 'info'), { recursive: true })
  await writeFile(join(dir, '.git', 'info', 'sparse-checkout'), lines.map((line) => `${line}\n`).join(''))
  await git.must(['config', 'core.sparseCheckout', 'true'])
}

/** Outer folders first: the last pattern that fits counts. */
function byDepth(a: string, b: string): number {
  return a.split('/').length - b.split('/').length
}

/** A small pack may name one large file ten thousand times: what would be written is counted before it is. */
async function assertFits(git: Git, commit: string, { treeBytesMax: bytesMax, checkout: { sparse } }: SystemOrder): Promise<void> {
  const listing = await git.must(['ls-tree', '-r', '-l', '-z', '--full-tree', commit])
  const missing = new Set(sparse)
  let bytes = 0
  for (const line of listing.split('\0')) {
    const [, size, path] = /^\S+ \S+ \S+ +(\d+|-)\t([^]+)$/.exec(line) ?? []
    if (size === undefined || path === undefined) continue
    if (sparse !== undefined) for (const one of missing) if (isInside(path, [one])) missing.delete(one)
    if (size !== '-' && isWritten(path, sparse)) bytes += Number(size)
  }
  for (const path of missing)
    throw new NimbusError('repo-path-not-found', `The repository has no folder or file ${JSON.stringify(path)} at this commit.`, {
      kind: 'missing',
      cure: 'Check the path: it begins at the root of the repository, without a slash.',
    })
  if (bytes <= bytesMax) return
  throw new NimbusError('repo-too-large', `The clone was ended, because its files take more than ${bytesMax} bytes.`, {
    kind: 'refused',
    cure: 'Raise the limit for clones, or make the repository smaller.',
  })
}
