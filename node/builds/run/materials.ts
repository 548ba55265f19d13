// What decides a build beside its commit: the lockfiles and the word of nimbus.yaml, by the hash of their content before anything ran.
import { createHash } from 'node:crypto'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type MaterialFile = { path: string; sha256: string }

/** A lockfile of thousands of packages has a few megabytes. */
const FILE_BYTES_MAX = 64 * 1024 * 1024
const OWN_WORD = 'nimbus.yaml'

/** @param paths from the root; absent ones, and those behind links, are passed over */
export async function materialsOf(root: string, paths: readonly string[]): Promise<MaterialFile[]> {
  const files: MaterialFile[] = []
  for (const path of new Set([...paths, OWN_WORD])) {
    if (path.split('/').includes('..')) continue
    const facts = await lstat(join(root, path)).catch(() => undefined) // most repositories have no nimbus.yaml
    if (facts?.isFile() !== true || facts.size > FILE_BYTES_MAX) continue
    files.push({
      path,
      sha256: createHash('sha256')
        .update(await readFile(join(root, path)))
        .digest('hex'),
    })
  }
  return files
}
