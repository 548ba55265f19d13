// Which version of the program a data folder runs: one small file, replaced as a whole, written by the supervisor alone. A crash at
// any moment leaves the old pointer or the new one.
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export type Version = { commit: string; dir: string }
export type Pointer = {
  /** Commit of the tree that `up` was started from when this was written; another one there means that a person has changed it. */
  base: string
  /** Undefined while that tree itself runs. */
  current?: Version
  previous?: Version
  /** Started, and not yet healthy. */
  trial?: string
  /** The latest commit that was taken back. */
  fallen?: { commit: string; reason: string; atMs: number }
}

export function versionsDir(dataDir: string): string {
  return join(dataDir, 'versions')
}

/**
 * The pointer of this data folder; a fresh one where there is none or it cannot be read.
 * @param base where it is given, only a pointer of that base counts
 */
export async function readPointer(dataDir: string, base?: string): Promise<Pointer> {
  try {
    const found = JSON.parse(await readFile(fileOf(dataDir), 'utf8')) as Pointer
    if (typeof found === 'object' && found !== null && (base === undefined || found.base === base)) return found
  } catch {
    // The first start, or not readable: the tree that was started is the version.
  }
  return { base: base ?? '' }
}

export async function writePointer(dataDir: string, pointer: Pointer): Promise<void> {
  const file = fileOf(dataDir)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const draft = await open(`${file}.new`, 'w', 0o600)
  try {
    await draft.writeFile(`${JSON.stringify(pointer)}\n`)
    await draft.sync()
  } finally {
    await draft.close()
  }
  await rename(`${file}.new`, file)
}

function fileOf(dataDir: string): string {
  return join(versionsDir(dataDir), 'pointer.json')
}
