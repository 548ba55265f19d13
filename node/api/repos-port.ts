// What the API asks of the repositories of this worker.
import type {
  PullRequest,
  PullView,
  RepoAuthRequest,
  RepoAuthView,
  RepoRequest,
  RepoView,
  TreeRequest,
} from '../../protocols/http/repos.ts'

export type ReposPort = {
  auth: {
    /** By place. */
    list(): RepoAuthView[]
    set(request: RepoAuthRequest): Promise<RepoAuthView>
    remove(place: string): Promise<void>
  }
  /** Those that this worker keeps. */
  kept: {
    list(): RepoView[]
    look(name: string): Promise<RepoView>
    add(request: RepoRequest): Promise<RepoView>
    fetch(name: string): Promise<RepoView>
    pull(name: string, request: PullRequest): Promise<PullView>
    addTree(name: string, request: TreeRequest): Promise<RepoView>
    removeTree(name: string, tree: string, discard: boolean): Promise<RepoView>
    remove(name: string, discard: boolean): Promise<void>
  }
}
