// The submodules of a commit that is checked out: entries of its tree that name a commit of another repository, with what `.gitmodules`
// of the same tree says of them. Both engines read the same.
import fs from 'node:fs/promises'
import git, { type WalkerEntry } from 'isomorphic-git'
import { constants } from 'node:fs'
import { join } from 'node:path'
import type { Git } from '../system/git-command.ts'
import { type Module, MODULES_BYTES_MAX, MODULES_MAX, readModules, refused } from './module-address.ts'

type Links = { path: string; commit: string }[]

/**
 * In the order of their paths. Empty without `.gitmodules`; entries that it does not name are left out.
 * @param system the machine's git in this folder, where it is used
 * @throws NimbusError `repo-submodule-refused` where there are more than 64
 */
export async function modulesIn(
  dir: string,
  commit: string,
  system: Git | undefined,
  sparse: readonly string[] | undefined,
): Promise<Module[]> {
  const text = await textOf(join(dir, '.gitmodules'))
  if (text === undefined) return []
  const told = readModules(text)
  const links = system === undefined ? await walkTree(dir, commit) : await listTree(system, commit)
  const modules = links.flatMap(({ path, commit: wanted }) => {
    const says = told.get(path)
    return says === undefined || !isInside(path, sparse) ? [] : [{ path, commit: wanted, ...says }]
  })
  if (modules.length > MODULES_MAX) throw refused(modules[MODULES_MAX]?.path ?? '', `the repository has more than ${MODULES_MAX}`)
  return modules.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** Whether a sparse clone has this path; every other one has all. */
export function isInside(path: string, sparse: readonly string[] | undefined): boolean {
  return sparse === undefined || sparse.some((one) => path === one || path.startsWith(`${one}/`))
}

async function textOf(file: string): Promise<string | undefined> {
  // It may be a link, a folder or a pipe: only a file counts, as with git.
  const handle = await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined)
  try {
    if ((await handle?.stat())?.isFile() !== true) return undefined
    const { buffer, bytesRead } = await handle!.read(Buffer.alloc(MODULES_BYTES_MAX), 0, MODULES_BYTES_MAX, 0)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle?.close()
  }
}

async function listTree(system: Git, commit: string): Promise<Links> {
  const listing = await system.must(['ls-tree', '-r', '-z', '--full-tree', commit])
  return listing.split('\0').flatMap((line) => {
    const [, found, path] = /^160000 commit ([0-9a-f]{40})\t([^]+)$/.exec(line) ?? []
    return found === undefined || path === undefined ? [] : [{ path, commit: found }]
  })
}

async function walkTree(dir: string, commit: string): Promise<Links> {
  const links: Links = []
  await git.walk({
    fs,
    dir,
    trees: [git.TREE({ ref: commit })],
    async map(path: string, [entry]: (WalkerEntry | null)[]) {
      if ((await entry?.type()) === 'commit') links.push({ path, commit: (await entry?.oid()) ?? '' })
      return undefined
    },
  })
  return links
}
