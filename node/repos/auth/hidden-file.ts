// A few lines that a child process reads as a file, and nobody else: the file lies in memory, has lost its name before anything is
// written to it, and is gone with the last process that holds it.
import { open, unlink, type FileHandle } from 'node:fs/promises'

const MEMORY_DIR = '/dev/shm'

/** Undefined where this system has no folder in memory, or no `/dev/fd` that opens a file anew. */
export async function openHidden(text: string, name: string): Promise<FileHandle | undefined> {
  if (process.platform !== 'linux') return undefined
  const path = `${MEMORY_DIR}/${name}`
  let file: FileHandle
  try {
    file = await open(path, 'wx+', 0o600)
  } catch {
    return undefined // no such folder, or it is not ours to write
  }
  try {
    await unlink(path)
    await file.write(text)
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}
