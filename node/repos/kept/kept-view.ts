// Kept repositories as others see them: what may be done with them, and what is shown of one.
import { join } from 'node:path'
import type { PullRequest, PullView, RepoRequest, RepoView, TreeRequest, TreeView } from '../../../protocols/http/repos.ts'
import type { CloneProgress } from '../progress.ts'
import type { KeptRecord } from './record.ts'

/** `fetchedAt`: when its server was asked last, in milliseconds; `isOpen`: that server asked nobody who they are. */
export type KeptMirror = { name: string; dir: string; fetchedAt: number; isOpen: boolean }

/** What may be done with the repositories of a worker. */
export type KeptRepos = {
  /** Reads what is there; goes on with what was cut off. */
  start(): Promise<void>
  stop(): Promise<void>
  list(): RepoView[]
  find(name: string): RepoView | undefined
  /** With what is in its work trees. */
  look(name: string): Promise<RepoView>
  /** Settles when it is written down; the fetch goes on. */
  add(request: RepoRequest): Promise<RepoView>
  fetch(name: string): Promise<RepoView>
  pull(name: string, request: PullRequest): Promise<PullView>
  addTree(name: string, request: TreeRequest): Promise<RepoView>
  removeTree(name: string, tree: string, discard: boolean): Promise<RepoView>
  remove(name: string, discard: boolean): Promise<void>
  /** The mirror of an address that is here whole. */
  mirrorOf(url: string): KeptMirror | undefined
}

/** `busy`: what is being done to it. */
export type Kept = { record: KeptRecord; bytes?: number; error?: string; progress?: CloneProgress; busy?: Promise<unknown> }

/** @param root the folder of all repositories */
export function repoViewOf(root: string, { record, bytes, error, progress, busy }: Kept, trees?: TreeView[]): RepoView {
  const { name, url, addedAt, fetchedAt, defaultBranch, commit } = record
  const { total, percent, ...counts } = progress ?? { loaded: 0, phase: '', total: undefined, percent: undefined }
  return {
    name,
    url,
    state:
      progress !== undefined || (busy !== undefined && fetchedAt === undefined) ? 'fetching' : error === undefined ? 'ready' : 'failed',
    addedAt,
    trees:
      trees ??
      record.trees.map((tree) => ({
        name: tree.name,
        dir: join(root, name, 'trees', tree.name),
        branch: tree.branch,
        ...notesOf(tree),
      })),
    ...(error === undefined ? {} : { error }),
    ...(fetchedAt === undefined ? {} : { fetchedAt }),
    ...(defaultBranch === undefined ? {} : { defaultBranch }),
    ...(commit === undefined ? {} : { commit }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(progress === undefined
      ? {}
      : { progress: { ...counts, ...(total === undefined ? {} : { total }), ...(percent === undefined ? {} : { percent }) } }),
  }
}

/** Absent where there is nothing to say. */
export function notesOf({ notes = [] }: KeptRecord['trees'][number]): { notes?: string[] } {
  return notes.length === 0 ? {} : { notes }
}
