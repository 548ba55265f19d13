// The repositories that a worker keeps: of each one mirror and any number of work trees. One thing at a time is done to a repository.
// What was cut off goes on by itself at the next start; nothing that somebody worked on goes without his word.
import { join } from 'node:path'
import { mkdir } from 'node:fs/promises'
import type { RepoView, TreeView } from '../../../protocols/http/repos.ts'
import type { Clock } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import { checkRef, parseRepoUrl } from '../repo-url.ts'
import type { CloneProgress } from '../progress.ts'
import { type Kept, type KeptRepos, notesOf, repoViewOf } from './kept-view.ts'
import { bytesBelow, type KeptRecord, readRecords, removeFolder, writeRecord } from './record.ts'
import {
  alreadyThere,
  nameFrom,
  overLimit,
  repoBusy,
  repoHasWork,
  repoUnknown,
  stampOf,
  treeOf,
  treeRefused,
  TREES_MAX,
} from './refusals.ts'
import { makeTree, pullTree, type TreePlace, workIn } from './tree.ts'

export type KeptReposComponents = {
  clock: Clock
  dataDir: string
  /** The machine's git; throws where there is none. */
  gitFile(): string
  fetch(request: {
    url: string
    dir: string
    limits: { receivedBytesMax: number }
    signal: AbortSignal
    onProgress(progress: CloneProgress): void
  }): Promise<{ commit: string; branch?: string; authorized?: boolean }>
  onChange(name: string): void
  /** On the disk, all together. */
  quotaBytes?: number
}
const REPOS_MAX = 256
/** On the disk, mirrors and work trees together, and what one fetch may bring. */
const QUOTA_BYTES = 20e9
const FETCH_BYTES_MAX = 5e9

export function createKeptRepos(components: KeptReposComponents): KeptRepos {
  const { clock, quotaBytes = QUOTA_BYTES } = components
  const root = join(components.dataDir, 'repos')
  const kept = new Map<string, Kept>()
  const abort = new AbortController()
  const mirrorDir = (name: string): string => join(root, name, 'mirror.git')
  const placeOf = ({ name, url }: KeptRecord, tree: string): TreePlace => ({
    gitFile: components.gitFile(),
    mirror: mirrorDir(name),
    dir: join(root, name, 'trees', tree),
    url,
  })
  const known = (name: string): Kept => {
    const found = kept.get(name)
    if (found !== undefined) return found
    throw repoUnknown(name)
  }
  const viewOf = (repo: Kept, trees?: TreeView[]): RepoView => repoViewOf(root, repo, trees)
  const save = async (repo: Kept, changes: Partial<KeptRecord>): Promise<void> => {
    repo.record = { ...repo.record, ...changes }
    await writeRecord(root, repo.record)
    components.onChange(repo.record.name)
  }
  const alone = async <Result>(repo: Kept, work: () => Promise<Result>): Promise<Result> => {
    if (repo.busy !== undefined) throw repoBusy(repo.record.name)
    const running = work()
    repo.busy = running
    try {
      return await running
    } finally {
      delete repo.busy
      components.onChange(repo.record.name)
    }
  }
  const roomFor = async (): Promise<number> => {
    const used = await bytesBelow(root)
    if (used < quotaBytes) return Math.min(FETCH_BYTES_MAX, quotaBytes - used)
    throw overLimit('repo-quota', `The repositories of this worker take ${used} bytes; ${quotaBytes} is the limit.`)
  }
  const bringUp = async (repo: Kept): Promise<void> => {
    const { name, url, ref } = repo.record
    delete repo.error
    repo.progress = { phase: 'asking the server', loaded: 0, total: undefined, percent: undefined }
    components.onChange(name)
    try {
      const receivedBytesMax = await roomFor()
      const onProgress = (progress: CloneProgress): void => {
        repo.progress = progress
        components.onChange(name)
      }
      const { commit, branch, authorized } = await components.fetch({
        url,
        dir: mirrorDir(name),
        limits: { receivedBytesMax },
        signal: abort.signal,
        onProgress,
      })
      const first = { name: 'main', branch: ref ?? branch ?? 'main', followsDefault: ref === undefined }
      const trees =
        repo.record.trees.length > 0
          ? repo.record.trees
          : [{ ...first, ...(await makeTree(placeOf(repo.record, 'main'), { branch: first.branch, from: ref ?? commit })) }]
      repo.bytes = await bytesBelow(mirrorDir(name))
      await save(repo, {
        fetchedAt: clock.wallMs(),
        commit,
        isOpen: authorized === false,
        trees,
        ...(branch === undefined ? {} : { defaultBranch: branch }),
      })
    } catch (error) {
      repo.error = messageOf(error)
      throw error
    } finally {
      delete repo.progress
    }
  }
  /** Told by the state of the repository; nobody waits for it. */
  const inBackground = (repo: Kept): void => void alone(repo, () => bringUp(repo)).catch(() => {})
  const workOf = async (repo: Kept, tree: string): Promise<TreeView> => {
    const record = treeOf(repo.record, tree)
    const place = placeOf(repo.record, tree)
    const base = { name: tree, dir: place.dir, branch: record.branch, ...notesOf(record) }
    try {
      return { ...base, ...(await workIn(place)), branch: record.branch }
    } catch (error) {
      return { ...base, unsafe: messageOf(error) }
    }
  }
  const assertNoWork = async (repo: Kept, trees: readonly string[], discard: boolean): Promise<void> => {
    if (discard) return
    for (const { name, changed, unpushed, unsafe } of await Promise.all(trees.map((tree) => workOf(repo, tree)))) {
      if (unsafe === undefined && changed === 0 && unpushed === 0) continue
      const what = unsafe ?? `${changed} changed files and ${unpushed} commits that are nowhere else`
      throw repoHasWork(repo.record.name, name, what)
    }
  }

  return {
    async start() {
      for (const record of await readRecords(root)) {
        const repo: Kept = { record }
        kept.set(record.name, repo)
        if (record.fetchedAt === undefined) inBackground(repo)
      }
    },
    async stop() {
      abort.abort()
      await Promise.allSettled([...kept.values()].map(({ busy }) => busy ?? Promise.resolve()))
    },
    list: () => [...kept.values()].map((repo) => viewOf(repo)).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    find(name) {
      const repo = kept.get(name)
      return repo === undefined ? undefined : viewOf(repo)
    },
    async look(name) {
      const repo = known(name)
      repo.bytes ??= await bytesBelow(mirrorDir(name))
      return viewOf(repo, await Promise.all(repo.record.trees.map((tree) => workOf(repo, tree.name))))
    },
    async add({ url: text, ref, name: wanted }) {
      const url = parseRepoUrl(text).href
      components.gitFile()
      const name = wanted ?? nameFrom(url)
      const taken = kept.get(name) ?? [...kept.values()].find(({ record }) => record.url === url)
      if (taken !== undefined) throw alreadyThere(taken.record, url)
      if (kept.size >= REPOS_MAX) throw overLimit('too-many-repos', `This worker keeps ${REPOS_MAX} repositories, which is the limit.`)
      const repo: Kept = { record: { name, url, addedAt: clock.wallMs(), trees: [], ...(ref === undefined ? {} : { ref: checkRef(ref) }) } }
      kept.set(name, repo)
      await mkdir(join(root, name), { recursive: true, mode: 0o700 })
      await writeRecord(root, repo.record)
      inBackground(repo)
      return viewOf(repo)
    },
    async fetch(name) {
      const repo = known(name)
      await alone(repo, () => bringUp(repo))
      return viewOf(repo)
    },
    async pull(name, { tree = 'main', resolve }) {
      const repo = known(name)
      return alone(repo, async () => {
        const record = treeOf(repo.record, tree)
        await bringUp(repo)
        const done = await pullTree(placeOf(repo.record, tree), record, resolve, stampOf(clock.wallMs()))
        const { branch, state, message, choices, kept: keptAs, notes = record.notes ?? [] } = done
        const trees = repo.record.trees.map((one) => (one.name === tree ? { ...one, branch, notes } : one))
        if (done.notes !== undefined) await save(repo, { trees })
        const resolved = choices.length > 0 && resolve !== undefined ? { resolved: resolve } : {}
        return {
          tree,
          branch,
          state,
          message,
          choices: resolve === undefined ? choices : [],
          ...resolved,
          ...(keptAs === undefined ? {} : { kept: keptAs }),
          ...(notes.length === 0 ? {} : { notes }),
        }
      })
    },
    async addTree(name, { tree, branch }) {
      const repo = known(name)
      await alone(repo, async () => {
        const { trees, defaultBranch = 'main' } = repo.record
        if (trees.length >= TREES_MAX || trees.some((one) => one.name === tree)) throw treeRefused(repo.record, tree)
        await roomFor()
        const from = branch === undefined ? defaultBranch : checkRef(branch)
        const made = await makeTree(placeOf(repo.record, tree), { branch: from, from })
        await save(repo, { trees: [...trees, { name: tree, branch: from, followsDefault: branch === undefined, ...made }] })
      })
      return viewOf(repo)
    },
    async removeTree(name, tree, discard) {
      const repo = known(name)
      await alone(repo, async () => {
        treeOf(repo.record, tree)
        await assertNoWork(repo, [tree], discard)
        await removeFolder(join(root, name, 'trees', tree))
        await save(repo, { trees: repo.record.trees.filter((one) => one.name !== tree) })
      })
      return viewOf(repo)
    },
    async remove(name, discard) {
      const repo = known(name)
      await alone(repo, async () => {
        await assertNoWork(
          repo,
          repo.record.trees.map((tree) => tree.name),
          discard,
        )
        kept.delete(name)
        await removeFolder(join(root, name))
      })
    },
    mirrorOf(url) {
      const { href } = parseRepoUrl(url)
      const repo = [...kept.values()].find(({ record }) => record.url === href && record.fetchedAt !== undefined)
      if (repo === undefined) return undefined
      const { name, fetchedAt = 0, isOpen = false } = repo.record
      return { name, dir: mirrorDir(name), fetchedAt, isOpen }
    },
  }
}
