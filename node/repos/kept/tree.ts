// A work tree that stays: a repository of its own that borrows the objects of the mirror. What stands in its configuration may come
// from whoever worked there, so git is run in it only while that says nothing but what we wrote.
import { existsSync } from 'node:fs'
import { lstat, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NimbusError } from '../../kernel/errors.ts'
import { checkTree } from '../check-tree.ts'
import { createGit, type Git } from '../system/git-command.ts'
import { decidePull, type PullChoice, type PullDecision } from './decide-pull.ts'

export type TreePlace = { gitFile: string; mirror: string; dir: string; url: string }
export type TreeRecord = { name: string; branch: string; followsDefault: boolean }
/** What would be lost with it: files that differ from its commit, commits that no branch upstream has. */
export type TreeWork = { commit: string; branch: string; changed: number; unpushed: number }

const HARMLESS =
  /^(core\.(repositoryformatversion|filemode|bare|logallrefupdates|symlinks|ignorecase|precomposeunicode)|remote\.origin\.(url|fetch)|branch\..+\.(remote|merge)|user\.(name|email))$/i
const AUTHOR = ['Nimbus', 'nimbus@localhost'] as const

/** Tells what the tree names but does not hold. @throws NimbusError `repo-ref-not-found`, `repo-unsafe-tree` */
export async function makeTree(
  { gitFile, mirror, dir, url }: TreePlace,
  { branch, from }: { branch: string; from: string },
): Promise<{ notes: string[] }> {
  const commit = await commitOf(createGit(gitFile, mirror), from)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const git = createGit(gitFile, dir)
  try {
    await git.must(['init', '-q', '--template='])
    await mkdir(join(dir, '.git', 'objects', 'info'), { recursive: true })
    await writeFile(join(dir, '.git', 'objects', 'info', 'alternates'), `${join(mirror, 'objects')}\n`)
    await git.must(['remote', 'add', '--', 'origin', url])
    await settle(git, branch, commit)
    const { notes } = await checkTree(dir)
    return { notes }
  } catch (error) {
    await rm(dir, { recursive: true, force: true })
    throw error
  }
}

export async function workIn(place: TreePlace): Promise<TreeWork> {
  const git = await trusted(place)
  const commit = await commitOf(git, 'HEAD')
  const { stdout: branch } = await git.run(['symbolic-ref', '--short', '-q', 'HEAD'])
  const status = await git.must(['status', '--porcelain=v1', '-z', '--untracked-files=all', '--no-renames', '--ignore-submodules=none'])
  const heads = (await git.must(['for-each-ref', '--format=%(objectname)', 'refs/heads', 'refs/tags', 'refs/stash']))
    .split('\n')
    .filter((line) => line !== '')
  const both = borrowing(place)
  const unpushed = await both.must(['rev-list', '--count', ...new Set([commit, ...heads]), '--not', '--all'])
  return { commit, branch: branch.trim(), changed: status.split('\0').filter((line) => line !== '').length, unpushed: Number(unpushed) }
}

/** `notes` where the tree was moved. @param choice what a person wants where a choice is needed; without it nothing is touched then */
export async function pullTree(
  place: TreePlace,
  { branch, followsDefault }: TreeRecord,
  choice: PullChoice | undefined,
  stamp: string,
): Promise<PullDecision & { branch: string; kept?: string; notes?: string[] }> {
  const git = await trusted(place)
  const both = borrowing(place)
  const { commit: local, changed } = await workIn(place)
  const upstream = (await found(both, `refs/heads/${branch}`)) ?? (await found(both, `refs/tags/${branch}`))
  const seen = await found(git, `refs/remotes/origin/${branch}`)
  const defaultBranch = (await both.run(['symbolic-ref', '--short', '-q', 'HEAD'])).stdout.trim() || undefined
  const isPartOf = async (part: string | undefined, whole: string | undefined): Promise<boolean> =>
    part !== undefined && whole !== undefined && (await both.run(['merge-base', '--is-ancestor', part, whole])).exitCode === 0
  const decision = decidePull({
    branch,
    local,
    seen,
    upstream,
    defaultBranch,
    followsDefault,
    changed,
    localIsBehind: await isPartOf(local, upstream),
    localIsAhead: await isPartOf(upstream, local),
    seenIsKept: await isPartOf(seen, upstream),
  })
  const { move, choices } = decision
  if (move === undefined || (choices.length > 0 && (choice === undefined || choice === 'keep'))) return { ...decision, branch }
  const to = move.to ?? (await found(both, `refs/heads/${move.branch}`))
  if (to === undefined)
    throw new NimbusError('repo-ref-not-found', `There is nothing upstream that ${branch} could be brought to.`, {
      kind: 'missing',
      cure: 'Keep it as it is (--resolve keep), or work on another branch.',
    })
  const kept = choice === 'branch' && choices.length > 0 ? await keepAsBranch(git, local, changed, stamp) : undefined
  await settle(git, move.branch, to)
  const { notes } = await checkTree(place.dir)
  return { ...decision, branch: move.branch, notes, ...(kept === undefined ? {} : { kept }) }
}

/** Everything that is here becomes a branch; one commit for what was not committed. */
async function keepAsBranch(git: Git, local: string, changed: number, stamp: string): Promise<string> {
  const name = `nimbus/kept-${stamp}`
  let commit = local
  if (changed > 0) {
    await git.must(['add', '-A', '--', '.'])
    const tree = (await git.must(['write-tree'])).trim()
    const [author, mail] = AUTHOR
    const env = { GIT_AUTHOR_NAME: author, GIT_AUTHOR_EMAIL: mail, GIT_COMMITTER_NAME: author, GIT_COMMITTER_EMAIL: mail }
    commit = (await git.must(['commit-tree', tree, '-p', local, '-m', 'What was not committed'], { env })).trim()
  }
  await git.must(['update-ref', `refs/heads/${name}`, commit, '0'.repeat(40)])
  return name
}

async function settle(git: Git, branch: string, commit: string): Promise<void> {
  await git.must(['update-ref', `refs/remotes/origin/${branch}`, commit])
  await git.must(['checkout', '-q', '-f', '--no-track', '-B', branch, commit])
}

/** Reads the tree's commits beside those of the mirror, with the mirror's configuration. */
function borrowing({ gitFile, mirror, dir }: TreePlace): Git {
  return createGit(gitFile, mirror, { protocols: 'none', env: { GIT_ALTERNATE_OBJECT_DIRECTORIES: join(dir, '.git', 'objects') } })
}

async function trusted({ gitFile, dir }: TreePlace): Promise<Git> {
  const inside = join(dir, '.git')
  const refuse = (why: string): never => {
    throw new NimbusError('repo-tree-unsafe', `Git is not run in the work tree ${dir}: ${why}.`, {
      kind: 'refused',
      cure: 'Look at it by hand; take out what you want to keep, then remove the tree with --discard.',
    })
  }
  const found = await lstat(inside).catch(() => undefined) // not there, which is refused
  if (found?.isDirectory() !== true) refuse('its .git is no folder any more')
  for (const name of ['commondir', 'config.worktree']) if (existsSync(join(inside, name))) refuse(`there is a file .git/${name} in it`)
  const { exitCode, stdout } = await createGit(gitFile, '/').run([
    'config',
    '--file',
    join(inside, 'config'),
    '--no-includes',
    '--list',
    '--name-only',
    '-z',
  ])
  if (exitCode !== 0) refuse('its configuration cannot be read')
  const strange = stdout.split('\0').find((key) => key !== '' && !HARMLESS.test(key))
  if (strange !== undefined) refuse(`its configuration says ${JSON.stringify(strange.slice(0, 80))}, which may run a command`)
  return createGit(gitFile, dir)
}

async function commitOf(git: Git, name: string): Promise<string> {
  const commit = await found(git, name)
  if (commit !== undefined) return commit
  throw new NimbusError('repo-ref-not-found', `There is no branch, tag or commit ${JSON.stringify(name)}.`, {
    kind: 'missing',
    cure: 'nimbus repo fetch NAME asks the server for what is new.',
  })
}

async function found(git: Git, name: string): Promise<string | undefined> {
  const { exitCode, stdout } = await git.run(['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`])
  return exitCode === 0 ? stdout.trim() : undefined
}
