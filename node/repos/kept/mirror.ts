// A bare copy of all branches and tags of a repository, brought up to date by the machine's git. Nobody but this room writes to it.
// A fetch that was cut off leaves nothing; so the next one goes in steps, each of which stays.
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Target } from '../ask-server.ts'
import { createGit, type GitAccess } from '../system/git-command.ts'
import { fetchAllFromNear } from '../near/fetch-near.ts'
import type { Near } from '../near/near.ts'
import { fetchProgress } from '../system/fetch-progress.ts'
import type { FetchStep } from '../progress.ts'

export type MirrorOrder = {
  gitFile: string
  dir: string
  receivedBytesMax: number
  target: Target
  access: GitAccess
  /** Who may have most of it: what is fetched from them first, the server need not send. */
  near?: readonly Near[]
  mesh?: GitAccess | undefined
}
export type Mirrored = { commit: string; branch?: string }

/** There while a first fetch is under way; found later, it was cut off. */
const UNDER_WAY = 'nimbus-fetching'
/** Commits of each branch that the first step and the second bring; each step after it four times as many. */
const FIRST_DEPTH = 1
const DEEPEN = 200
const DEEPEN_TIMES = 4
const DEEPEN_MAX = 50_000

export async function fetchMirror(order: MirrorOrder, onProgress: (step: FetchStep) => void): Promise<Mirrored> {
  const { gitFile, dir, receivedBytesMax, target, access, near = [] } = order
  const git = createGit(gitFile, dir, access)
  const isNew = !existsSync(join(dir, 'HEAD'))
  const wasCut = existsSync(join(dir, UNDER_WAY))
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if (isNew) await git.must(['init', '-q', '--bare', '--template='])
  else await dropLeftovers(dir)
  await writeSettings(dir, target.url)
  const onError = fetchProgress(receivedBytesMax, onProgress)
  const fetch = async (...depth: string[]): Promise<void> => {
    const refs = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*']
    await git.must(
      ['fetch', '--progress', '--prune', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', ...depth, 'origin', ...refs],
      {
        onError,
      },
    )
  }
  if (isNew || wasCut) await writeFile(join(dir, UNDER_WAY), '')
  const isShallow = (): boolean => existsSync(join(dir, 'shallow'))
  let isNear = false
  if ((isNew || wasCut) && !isShallow()) for (const one of near) if ((isNear ||= await fetchAllFromNear(order, one, onProgress))) break
  if (!wasCut || isNear) await fetch()
  else {
    if (!isShallow()) await fetch(`--depth=${FIRST_DEPTH}`)
    for (let deepen = DEEPEN; isShallow(); deepen *= DEEPEN_TIMES) await fetch(deepen > DEEPEN_MAX ? '--unshallow' : `--deepen=${deepen}`)
  }
  if (target.branch !== undefined) await git.must(['symbolic-ref', 'HEAD', `refs/heads/${target.branch}`])
  const commit = (await git.must(['rev-parse', '--verify', '--end-of-options', `${target.commit}^{commit}`])).trim()
  await rm(join(dir, UNDER_WAY), { force: true })
  return target.branch === undefined ? { commit } : { commit, branch: target.branch }
}

/** The whole configuration, written anew each time: what somebody else put there does not count. */
async function writeSettings(dir: string, url: string): Promise<void> {
  const quoted = url.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  const text = `[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[uploadpack]\n\tallowAnySHA1InWant = true\n[remote "origin"]\n\turl = "${quoted}"\n`
  await writeFile(join(dir, 'config'), text, { mode: 0o600 })
}

/** Of a git that was killed: locks that nobody holds, and halves of packs. */
async function dropLeftovers(dir: string): Promise<void> {
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const isLeftover = entry.isFile() && (entry.name.endsWith('.lock') || /^(tmp_|\.tmp-)/.test(entry.name))
    if (isLeftover) await rm(join(entry.parentPath, entry.name), { force: true })
  }
}
