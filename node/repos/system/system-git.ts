// The machine's own git, where there is one, for the two parts that it does faster: bringing the pack and writing the files. What
// to fetch, and every refusal, is settled before by the same code as without it, so that both engines give the same results.
import { mkdir } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { NimbusError } from '../../kernel/errors.ts'
import type { Target } from '../ask-server.ts'
import type { FetchedTree } from '../fetch-tree.ts'
import { createGit, type Git, type GitAccess } from './git-command.ts'
import type { FetchStep } from '../progress.ts'

export type SystemOrder = {
  gitFile: string
  dir: string
  receivedBytesMax: number
  treeBytesMax: number
  target: Target
  access: GitAccess
  from?: string | undefined
}

export async function fetchWithSystemGit(order: SystemOrder, onProgress: (step: FetchStep) => void): Promise<FetchedTree> {
  const { dir, target } = order
  await mkdir(dir, { recursive: true })
  const git = createGit(order.gitFile, dir, order.access)
  const { must } = git
  await must(['init', '-q', '--template='])
  await must(['remote', 'add', '--', 'origin', target.url])
  const onError = fetchProgress(order.receivedBytesMax, onProgress)
  if (order.from !== undefined && (await fetchFromMirror(order, order.from, onError))) return checkOut(order, target.commit)
  const fetch = ['fetch', '--progress', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head']
  if (target.branch !== undefined)
    await must([...fetch, '--depth=1', 'origin', `+refs/heads/${target.branch}:refs/remotes/origin/${target.branch}`], { onError })
  else if (target.ref !== undefined) await must([...fetch, '--depth=1', 'origin', `+${target.ref}:${target.ref}`], { onError })
  else {
    const one = await git.run([...fetch, '--depth=1', 'origin', target.commit], { onError })
    // Some servers give out a single commit; from the others everything is fetched to find it.
    if (one.exitCode !== 0) await must([...fetch, 'origin', '+refs/heads/*:refs/remotes/origin/*', '+refs/tags/*:refs/tags/*'], { onError })
  }
  // The branch may have moved since the server was asked.
  const wanted = target.branch === undefined ? (target.ref ?? target.commit) : `refs/remotes/origin/${target.branch}`
  const commit = (await mustFind(git, `${wanted}^{commit}`)).trim()
  return checkOut(order, commit)
}

/** False where the mirror does not have the commit. It is read as a stranger's: what is copied is copied, nothing is shared with a task. */
async function fetchFromMirror({ gitFile, dir, target }: SystemOrder, from: string, onError: (text: string) => void): Promise<boolean> {
  const has = await createGit(gitFile, from).run(['cat-file', '-e', `${target.commit}^{commit}`])
  if (has.exitCode !== 0) return false
  const git = createGit(gitFile, dir, { protocols: 'file' })
  const spec = target.branch === undefined ? target.commit : `+${target.commit}:refs/remotes/origin/${target.branch}`
  const fetched = await git.run(
    ['fetch', '--progress', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--depth=1', pathToFileURL(from).href, spec],
    { onError },
  )
  return fetched.exitCode === 0
}

/** Nothing that is secret is at hand any more when files of the repository are written. */
async function checkOut({ gitFile, dir, target: { branch }, treeBytesMax }: SystemOrder, commit: string): Promise<FetchedTree> {
  const local = createGit(gitFile, dir)
  await assertFits(local, commit, treeBytesMax)
  if (branch === undefined) await local.must(['checkout', '-q', '-f', '--detach', commit])
  else await local.must(['checkout', '-q', '-f', '--no-track', '-B', branch, commit])
  return branch === undefined ? { commit } : { commit, branch }
}

async function mustFind(git: Git, name: string): Promise<string> {
  const { exitCode, stdout } = await git.run(['rev-parse', '--verify', '--quiet', '--end-of-options', name])
  if (exitCode === 0) return stdout
  throw new NimbusError('repo-ref-not-found', 'not among what the server gave')
}

/** A small pack may name one large file ten thousand times: what would be written is counted before it is. */
async function assertFits(git: Git, commit: string, bytesMax: number): Promise<void> {
  const listing = await git.must(['ls-tree', '-r', '-l', '-z', '--full-tree', commit])
  let bytes = 0
  for (const line of listing.split('\0')) bytes += Number(/^\S+ \S+ \S+ +(\d+)\t/.exec(line)?.[1] ?? 0)
  if (bytes <= bytesMax) return
  throw new NimbusError('repo-too-large', `The clone was ended, because its files take more than ${bytesMax} bytes.`, {
    kind: 'refused',
    cure: 'Raise the limit for clones, or make the repository smaller.',
  })
}

/** Reads git's own words: `Receiving objects:  45% (9/20), 1.2 MiB | 3 MiB/s`. */
export function fetchProgress(receivedBytesMax: number, onProgress: (step: FetchStep) => void): (text: string) => void {
  return (text) => {
    for (const line of text.split(/[\r\n]/)) {
      const [, phase, loaded, total] = /^(?:remote: )?([A-Z][a-z]+(?: [a-z]+)?):\s+\d+% \((\d+)\/(\d+)\)/.exec(line) ?? []
      if (phase === undefined) continue
      const [, amount, unit] = /, ([\d.]+) (bytes|KiB|MiB|GiB)/.exec(line) ?? []
      const bytes = Number(amount ?? 0) * { bytes: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }[unit ?? 'bytes']!
      if (bytes > receivedBytesMax)
        throw new NimbusError('repo-too-large', `The clone was ended, because the server sent more than ${receivedBytesMax} bytes.`, {
          kind: 'refused',
          cure: 'Raise the limit for clones, or make the repository smaller.',
        })
      onProgress({ phase, loaded: Number(loaded), total: Number(total), ...(amount === undefined ? {} : { bytes: Math.round(bytes) }) })
    }
  }
}
