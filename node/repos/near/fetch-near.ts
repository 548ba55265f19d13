// Fetches what is wanted from who is nearer than the server. That one may not have it after all, not give it, or fall silent: then it
// is as if it had not been asked.
import { createSystemClock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Checkout } from '../../../protocols/repos/checkout.ts'
import type { Target } from '../ask-server.ts'
import type { FetchStep } from '../progress.ts'
import { createGit, type Git, type GitAccess } from '../system/git-command.ts'
import { fetchProgress } from '../system/fetch-progress.ts'
import type { Near } from './near.ts'

export type NearOrder = { gitFile: string; dir: string; receivedBytesMax: number; mesh?: GitAccess | undefined }
type CommitOrder = NearOrder & { target: Target; checkout: Checkout }

/** Of a member that gives objects. */
const SILENCE_MS = 30_000
const FETCH = ['fetch', '--progress', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head']

/** False where it did not give the commit. What is copied is copied: nothing is shared with a task. */
export async function fetchFromNear(order: CommitOrder, near: Near, onProgress: (step: FetchStep) => void): Promise<boolean> {
  const { target, checkout } = order
  const spec = target.branch === undefined ? target.commit : `+${target.commit}:refs/remotes/origin/${target.branch}`
  return fetchNear(order, near, [`--depth=${checkout.depth ?? 1}`], [spec], onProgress)
}

/** All branches and tags, as far as it has them. The server's word replaces them afterwards. */
export function fetchAllFromNear(order: NearOrder, near: Near, onProgress: (step: FetchStep) => void): Promise<boolean> {
  return fetchNear(order, near, [], ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'], onProgress)
}

async function fetchNear(
  order: NearOrder,
  near: Near,
  depth: readonly string[],
  specs: readonly string[],
  onProgress: (step: FetchStep) => void,
): Promise<boolean> {
  const isHere = near.address.startsWith('file:')
  const access = isHere ? { protocols: 'file' } : order.mesh
  if (access === undefined) return false
  const git = createGit(order.gitFile, order.dir, access)
  const told = fetchProgress(order.receivedBytesMax, (step) =>
    onProgress(isHere ? step : { ...step, phase: `from ${near.name}: ${step.phase}` }),
  )
  const patience = createPatience()
  try {
    const fetched = await git.run([...FETCH, ...depth, near.address, ...specs], {
      signal: patience.signal,
      onError: (text) => (patience.renew(), told(text)),
    })
    return fetched.exitCode === 0 && (await has(git, near.commit))
  } catch (error) {
    if (error instanceof NimbusError) throw error
    return false // it said nothing for too long
  } finally {
    patience.end()
  }
}

async function has(git: Git, commit: string): Promise<boolean> {
  return (await git.run(['cat-file', '-e', `${commit}^{commit}`])).exitCode === 0
}

/** Ends who is silent for too long: others have the objects, too. */
function createPatience(): { signal: AbortSignal; renew(): void; end(): void } {
  const clock = createSystemClock()
  const silent = new AbortController()
  const wait = (): (() => void) => clock.after(SILENCE_MS, () => silent.abort(new Error('it was silent for too long')))
  let cancel = wait()
  return {
    signal: silent.signal,
    renew() {
      cancel()
      cancel = wait()
    },
    end: () => cancel(),
  }
}
