// Log files of runs that were never put away: their process or this node died. No task names them, and nobody reads them again.
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** @param inUse the files of runs that write, or are being put away */
export async function dropOldLogs(folder: string, writtenBeforeMs: number, inUse: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => []) // not there before the first run
  for (const name of names) {
    const file = join(folder, name)
    const written = await stat(file).catch(() => undefined) // put away meanwhile
    if (written !== undefined && written.mtimeMs < writtenBeforeMs && !inUse.has(file)) await rm(file, { force: true })
  }
}
