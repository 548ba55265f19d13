// What is known of a kept repository beyond its git folder: one small file beside it, written whole or not at all.
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { repoName } from '../../../protocols/http/repos.ts'

/** `notes`: what the tree did not hold when files were written last. */
const treeRecord = z.object({ name: z.string(), branch: z.string(), followsDefault: z.boolean(), notes: z.array(z.string()).optional() })
const keptRecord = z.object({
  name: repoName,
  url: z.string(),
  ref: z.string().optional(),
  addedAt: z.number(),
  /** Of the last fetch that was finished; without it none was. */
  fetchedAt: z.number().optional(),
  defaultBranch: z.string().optional(),
  commit: z.string().optional(),
  /** At that fetch the server asked nobody who they are: other members may have it, too. */
  isOpen: z.boolean().optional(),
  trees: z.array(treeRecord),
})
export type KeptRecord = z.infer<typeof keptRecord>

const FILE = 'repo.json'

/** Folders without a readable record are no repositories: they are left alone. */
export async function readRecords(root: string): Promise<KeptRecord[]> {
  const names = await readdir(root).catch(() => [] as string[]) // not there before the first one
  const found = await Promise.all(names.map((name) => readFile(join(root, name, FILE), 'utf8').catch(() => undefined)))
  return found.flatMap((text) => {
    try {
      return text === undefined ? [] : [keptRecord.parse(JSON.parse(text))]
    } catch {
      return [] // damaged: the folder stays, to be looked at
    }
  })
}

export async function writeRecord(root: string, record: KeptRecord): Promise<void> {
  const file = join(root, record.name, FILE)
  await writeFile(`${file}.new`, JSON.stringify(record), { mode: 0o600 })
  await rename(`${file}.new`, file)
}

export async function bytesBelow(dir: string): Promise<number> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  const sizeOf = async (path: string): Promise<number> => {
    const found = await stat(path).catch(() => undefined) // gone meanwhile
    return found?.size ?? 0
  }
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(files.map((entry) => sizeOf(join(entry.parentPath, entry.name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}

export function removeFolder(dir: string): Promise<void> {
  return rm(dir, { recursive: true, force: true, maxRetries: 3 })
}
