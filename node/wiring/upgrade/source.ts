// Where versions come from: a server of git over HTTP, or a repository that the mesh itself hosts. The same three questions to both.
import type { PeerId } from '../../../protocols/ids.ts'
import type { Hosting } from '../../githost/hosting.ts'
import { type Clock, repeat } from '../../kernel/clock.ts'
import type { RepoCredential } from '../../repos/auth/credential.ts'
import type { Cloned, CloneRequest } from '../../repos/clone.ts'
import { hostedRepoOf, type UpgradeOptions } from '../../upgrade/policy.ts'
import { createHeadWatch, type HeadWatch, type OnHead } from '../../upgrade/remote-head.ts'
import { cloneLocally } from '../../upgrade/stage/local-clone.ts'

export type Source = {
  watch(on: OnHead): HeadWatch
  /** Checks the commit out into an absent or empty folder. @returns the commit that was given */
  clone(commit: string, dir: string, signal: AbortSignal): Promise<string>
  /** The member who moved the branch of a hosted repository to this commit. */
  pushedBy(commit: string): PeerId | undefined
}
export type SourceComponents = {
  clock: Clock
  hosting: Pick<Hosting, 'watchHead' | 'bring'>
  clone(request: CloneRequest): Promise<Cloned>
  /** What the mesh has for the place of a private repository. */
  credentialFor(url: string): Promise<RepoCredential | undefined>
}

export function createSource(components: SourceComponents, options: Pick<UpgradeOptions, 'follow' | 'everyMs'>): Source {
  const { url } = options.follow
  const repo = hostedRepoOf(url)
  return repo === undefined ? remoteSource(components, options) : hostedSource(components, options, repo)
}

function remoteSource(
  { clock, clone, credentialFor }: SourceComponents,
  { follow, everyMs }: Pick<UpgradeOptions, 'follow' | 'everyMs'>,
): Source {
  return {
    watch: (on) => createHeadWatch({ clock, credentialFor }, everyMs)(follow, on),
    clone: async (commit, dir, signal) => (await clone({ url: follow.url, ref: commit, dir, clock, signal })).commit,
    pushedBy: () => undefined,
  }
}

function hostedSource(
  { clock, hosting }: SourceComponents,
  { follow, everyMs }: Pick<UpgradeOptions, 'follow' | 'everyMs'>,
  repo: string,
): Source {
  let head: { commit: string; by: PeerId } | undefined
  return {
    watch(on) {
      const tell = (): void => {
        if (head === undefined) on.trouble(`the mesh hosts no branch ${follow.branch} of ${repo}`)
        else on.commit(head.commit)
      }
      const forget = hosting.watchHead(repo, follow.branch, (found) => {
        head = found
        tell()
      })
      // What failed for the moment is tried again.
      const again = repeat(clock, everyMs, tell, () => {})
      return { look: async () => tell(), stop: () => (forget(), again()) }
    },
    clone: async (commit, dir) => cloneLocally(await hosting.bring(repo, commit), commit, dir),
    pushedBy: (commit) => (head?.commit === commit ? head.by : undefined),
  }
}
