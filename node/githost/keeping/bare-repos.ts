// The bare repositories of this worker, one folder each. Their branches and tags only ever follow what the register of the repository
// says, and only once all that a ref needs is here.
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NimbusError } from '../../kernel/errors.ts'
import type { Random } from '../../kernel/random.ts'
import { base32 } from '../../../protocols/ids.ts'
import { hostedName } from '../../../protocols/githost/hosted-names.ts'
import type { Git } from './git.ts'
import type { Head } from '../refs/heads.ts'

export type BareRepos = {
  dirOf(repo: string): string
  /** Names of those that are here. */
  list(): Promise<string[]>
  has(repo: string): Promise<boolean>
  create(repo: string): Promise<void>
  remove(repo: string): Promise<void>
  /** Branches and tags as they stand in the folder. */
  refs(repo: string): Promise<Map<string, string>>
  /** Commits of which something is not here. */
  missing(repo: string, commits: readonly string[]): Promise<string[]>
  /** Lets branches, tags and the default branch be these; leaves out what is not wholly here. Answers whether nothing was left out. */
  apply(repo: string, heads: readonly Head[], head: string | undefined): Promise<boolean>
  /** A fresh folder for objects that are not believed yet. */
  quarantine(repo: string): Promise<Quarantine>
  bytes(repo: string): Promise<number>
  /** One at a time for each repository. */
  inTurn<Result>(repo: string, work: () => Promise<Result>): Promise<Result>
  /** At start: what a crash left. */
  sweep(): Promise<void>
}
export type Quarantine = {
  env: Record<string, string>
  /** The objects belong to the repository from here on, also after a loss of power. */
  accept(): Promise<void>
  drop(): Promise<void>
}

/** Repositories at one worker. */
const HOSTED_MAX = 64

export function createBareRepos({ dataDir, git, random }: { dataDir: string; git: Git; random: Random }): BareRepos {
  const root = join(dataDir, 'hosted')
  const turns = new Map<string, Promise<unknown>>()
  const dirOf = (repo: string): string => join(root, `${hostedName.parse(repo)}.git`)
  const list = async (): Promise<string[]> => {
    const names = await readdir(root).catch(() => []) // not there before the first
    return names.flatMap((name) => (name.endsWith('.git') ? [name.slice(0, -'.git'.length)] : []))
  }
  const has = async (repo: string): Promise<boolean> => (await list()).includes(repo)
  const refs = async (repo: string): Promise<Map<string, string>> => {
    const listing = await git.must(dirOf(repo), ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'])
    return new Map(listing.split('\n').flatMap((line) => (line === '' ? [] : [[line.slice(41), line.slice(0, 40)] as const])))
  }
  const isWhole = async (repo: string, commit: string): Promise<boolean> => {
    const { exitCode } = await git.run(dirOf(repo), ['rev-list', '--objects', '--quiet', '--stdin', '--not', '--all'], {
      input: `${commit}\n`,
      timeoutMs: WALK_MS,
    })
    return exitCode === 0
  }

  return {
    dirOf,
    list,
    has,
    refs,
    async create(repo) {
      if ((await list()).length >= HOSTED_MAX)
        throw new NimbusError('too-many-hosted', `This worker keeps ${HOSTED_MAX} repositories of the mesh, which is the limit.`, {
          kind: 'refused',
          cure: 'Let another worker keep it, or remove one: nimbus repo unhost NAME.',
        })
      // Made beside its place and moved there whole: a crash leaves no half one.
      const draft = join(root, `.${repo}.draft`)
      await rm(draft, { recursive: true, force: true })
      await mkdir(draft, { recursive: true, mode: 0o700 })
      await git.must(draft, ['init', '-q', '--bare', '--template=', '--object-format=sha1', '.'])
      await rename(draft, dirOf(repo))
    },
    remove: (repo) => rm(dirOf(repo), { recursive: true, force: true, maxRetries: 3 }),
    async missing(repo, commits) {
      const absent: string[] = []
      for (const commit of new Set(commits)) if (!(await isWhole(repo, commit))) absent.push(commit)
      return absent
    },
    async apply(repo, heads, head) {
      const now = await refs(repo)
      const orders: string[] = []
      let isAll = true
      for (const { ref, commit } of heads) {
        if (now.get(ref) === commit) continue
        if (await isWhole(repo, commit)) orders.push(`update ${ref} ${commit}`)
        else isAll = false
      }
      const wanted = new Set(heads.map(({ ref }) => ref))
      // What goes makes room first: `a` may give way to `a/b`.
      const removals = [...now.keys()].flatMap((ref) => (wanted.has(ref) ? [] : [`delete ${ref}`]))
      const command = ['update-ref', '--no-deref', '--stdin']
      if (removals.length > 0) await git.must(dirOf(repo), command, { input: `${removals.join('\n')}\n` })
      if (orders.length > 0) await git.must(dirOf(repo), command, { input: `${orders.join('\n')}\n` })
      if (head !== undefined) await git.must(dirOf(repo), ['symbolic-ref', 'HEAD', head])
      return isAll
    },
    async quarantine(repo) {
      const dir = join(dirOf(repo), 'incoming', base32(random.bytes(10)))
      const objects = join(dirOf(repo), 'objects')
      await mkdir(join(dir, 'pack'), { recursive: true })
      return {
        env: { GIT_OBJECT_DIRECTORY: dir, GIT_ALTERNATE_OBJECT_DIRECTORIES: objects, GIT_QUARANTINE_PATH: dir },
        async accept() {
          await mkdir(join(objects, 'pack'), { recursive: true })
          const files = await readdir(join(dir, 'pack'))
          // The index makes a pack count: it comes last.
          for (const file of files.sort((a, b) => Number(a.endsWith('.idx')) - Number(b.endsWith('.idx'))))
            await rename(join(dir, 'pack', file), join(objects, 'pack', file))
          await syncFolder(join(objects, 'pack'))
          await rm(dir, { recursive: true, force: true })
        },
        drop: () => rm(dir, { recursive: true, force: true }),
      }
    },
    async bytes(repo) {
      const packs = join(dirOf(repo), 'objects', 'pack')
      const files = await readdir(packs).catch(() => []) // not there before the first pack
      const sizes = await Promise.all(files.map(async (file) => (await stat(join(packs, file)).catch(() => undefined))?.size ?? 0))
      return sizes.reduce((sum, size) => sum + size, 0)
    },
    inTurn(repo, work) {
      const result = (turns.get(repo) ?? Promise.resolve()).then(work, work)
      turns.set(repo, result)
      return result.finally(() => (turns.get(repo) === result ? turns.delete(repo) : undefined))
    },
    async sweep() {
      for (const repo of await list()) await rm(join(dirOf(repo), 'incoming'), { recursive: true, force: true })
      for (const name of await readdir(root).catch(() => []))
        if (name.endsWith('.draft')) await rm(join(root, name), { recursive: true, force: true })
    },
  }
}

/** All commits behind a tip that is new here. */
const WALK_MS = 600_000

async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
