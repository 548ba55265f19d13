// Which commit a tree of this program is: a staged version says so in a file, a clone of the repository in its .git folder.
import { readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

export const COMMIT_FILE = '.nimbus-commit'
const COMMIT = /^[0-9a-f]{40}$/

/** Undefined where the tree tells nothing: a package that was unpacked. */
export function commitOfTree(root: string): string | undefined {
  const staged = read(join(root, COMMIT_FILE))
  if (staged !== undefined && COMMIT.test(staged)) return staged
  const gitDir = gitDirOf(root)
  if (gitDir === undefined) return undefined
  const head = read(join(gitDir, 'HEAD'))
  const ref = /^ref: (refs\/\S+)$/.exec(head ?? '')?.[1]
  const commit = ref === undefined ? head : refIn(gitDir, ref)
  return commit !== undefined && COMMIT.test(commit) ? commit : undefined
}

/** A work tree has a file in the place of the folder. */
function gitDirOf(root: string): string | undefined {
  const place = join(root, '.git')
  try {
    if (statSync(place).isDirectory()) return place
  } catch {
    return undefined // no clone
  }
  const target = /^gitdir: (.+)$/.exec(read(place) ?? '')?.[1]
  return target === undefined ? undefined : resolve(root, target)
}

function refIn(gitDir: string, ref: string): string | undefined {
  const shared = read(join(gitDir, 'commondir'))
  for (const folder of [gitDir, ...(shared === undefined ? [] : [resolve(gitDir, shared)])]) {
    const loose = read(join(folder, ref))
    if (loose !== undefined) return loose
    const packed = read(join(folder, 'packed-refs'))
      ?.split('\n')
      .find((line) => line.endsWith(` ${ref}`))
    if (packed !== undefined) return packed.slice(0, 40)
  }
  return undefined
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined // not there
  }
}

/** The folder of the program that this file belongs to. */
export const OWN_TREE = dirname(dirname(dirname(import.meta.dirname)))
