// Tells who follows a branch of a hosted repository each commit that the mesh accepted for it, as soon as this node knows. Its
// objects may still be on their way here.
import type { RegisterValue } from '../../../protocols/records.ts'
import type { NameKey } from '../../../protocols/ids.ts'
import { headsOf, keyOf, repoOf, type Head } from './heads.ts'

/** @param head undefined where the branch was removed */
type OnHead = (head: Omit<Head, 'ref'> | undefined) => void

export type HeadWatch = {
  /**
   * Calls back now, where the branch is known, and at each change; never twice for one commit. A follower that is slow may see
   * only the last of several. Answers how to stop.
   * @param branch its short name, as `main`
   */
  watchHead(repo: string, branch: string, onHead: OnHead): () => void
  /** A register has a newer value. */
  changed(key: NameKey): void
}

type Follower = { repo: string; look(): void }

/** Followers at one node: each is a part of the node itself, never a client. */
const FOLLOWERS_MAX = 64

export function createHeadWatch(newest: (key: NameKey) => RegisterValue | undefined): HeadWatch {
  const followers = new Set<Follower>()
  return {
    watchHead(repo, branch, onHead) {
      if (followers.size >= FOLLOWERS_MAX) throw new Error(`more than ${FOLLOWERS_MAX} parts of this node follow branches`)
      let told: string | undefined
      const follower: Follower = {
        repo,
        look() {
          const found = headsOf(newest(keyOf(repo))).find(({ ref }) => ref === `refs/heads/${branch}`)
          if (found?.commit === told) return
          told = found?.commit
          onHead(found === undefined ? undefined : { commit: found.commit, by: found.by, at: found.at })
        },
      }
      followers.add(follower)
      follower.look()
      return () => void followers.delete(follower)
    },
    changed(key) {
      const repo = repoOf(key)
      for (const follower of followers) if (follower.repo === repo) follower.look()
    },
  }
}
