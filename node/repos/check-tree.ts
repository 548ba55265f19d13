// Looks over a checked-out tree before anything uses it. Never follows a link out of the tree.
import { lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { NimbusError } from '../kernel/errors.ts'
import { createTreeGaps, moduleNotes } from './tree-gaps.ts'

/** `notes`: what is named in it and not there, said for people; `missing`: the submodules among that, by path. */
export type TreeLook = { files: number; bytes: number; notes: string[]; missing: string[] }

/** Throws `repo-unsafe-tree` where a link points out of the tree or into `.git`, or where something below carries that name. */
export async function checkTree(dir: string): Promise<TreeLook> {
  const root = await realpath(dir)
  const gaps = createTreeGaps()
  let files = 0
  let bytes = 0
  const folders = [root]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true })
    if (entries.length > 0) gaps.filled(wayTo(root, folder))
    // In the order of their names, so that the same tree is told of in the same words.
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name)
      if (path === join(root, '.git')) continue
      if (isGitName(entry.name)) refuse(root, path, 'it has a name that git keeps for itself')
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isSymbolicLink()) await checkLink(root, path)
      else if (!entry.isFile()) refuse(root, path, 'it is neither a file nor a folder')
      if (!entry.isDirectory()) files += 1
      if (!entry.isFile()) continue
      const { size } = await lstat(path)
      bytes += size
      await gaps.file(wayTo(root, path), path, size)
    }
  }
  const missing = gaps.modules()
  return { files, bytes, notes: [...gaps.notes(), ...moduleNotes(missing)], missing }
}

function wayTo(root: string, path: string): string {
  return relative(root, path).split(sep).join('/')
}

async function checkLink(root: string, path: string): Promise<void> {
  const target = await readlink(path)
  if (isAbsolute(target) || !isInside(root, resolve(dirname(path), target)))
    refuse(root, path, `it is a link out of the repository (to ${JSON.stringify(target.slice(0, 100))})`)
  let real: string
  try {
    real = await realpath(path)
  } catch {
    return // it points to nothing: the check by name above is all there is
  }
  if (!isInside(root, real)) refuse(root, path, 'it leads out of the repository through another link')
}

function isInside(root: string, path: string): boolean {
  const way = relative(root, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way) && !way.split(sep).some(isGitName)
}

/** Also as file systems without case, with short names, or with trailing dots would read it. */
function isGitName(name: string): boolean {
  return /^(\.git|git~\d)[. ]*$/i.test(name)
}

function refuse(root: string, path: string, why: string): never {
  throw new NimbusError(
    'repo-unsafe-tree',
    `The repository was refused, because of ${JSON.stringify(relative(root, path).slice(0, 200))}: ${why}.`,
    { kind: 'refused', cure: 'Remove it from the repository.' },
  )
}
