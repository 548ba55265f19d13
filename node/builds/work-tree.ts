// A work tree on disk as folders for detection. It reads names and small texts, follows no link, and never leaves the root.
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Folder } from './project.ts'

/** Manifests are small; what is larger is read as absent. */
const TEXT_BYTES_MAX = 1024 * 1024
const NAMES_MAX = 10_000

/** @returns a folder by its path from `root`; undefined where it is none, or a link */
export function openWorkTree(root: string): (path: string) => Folder | undefined {
  return (path) => {
    const dir = join(root, path)
    if (kindOf(dir) !== 'folder') return undefined
    const entries = readdirSync(dir, { withFileTypes: true }).slice(0, NAMES_MAX)
    return {
      path,
      names: new Set(entries.flatMap((entry) => (entry.isSymbolicLink() ? [] : [entry.isDirectory() ? `${entry.name}/` : entry.name]))),
      has: (below) => staysInside(below) && kindOf(join(dir, below)) !== undefined,
      read: (below) => (staysInside(below) ? readText(join(dir, below)) : undefined),
    }
  }
}

function staysInside(path: string): boolean {
  return !path.split('/').includes('..')
}

function kindOf(path: string): 'file' | 'folder' | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isFile() === true ? 'file' : stats?.isDirectory() === true ? 'folder' : undefined
}

function readText(path: string): string | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  return stats?.isFile() === true && stats.size <= TEXT_BYTES_MAX ? readFileSync(path, 'utf8') : undefined
}
