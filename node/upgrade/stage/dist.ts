// The built dashboard of a version as one blob, so that one worker builds it and the others take it by its hash.
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pack } from 'tar-stream'

export const DIST = 'web/dist'

/** In the order of names and without times: the same files make the same bytes. */
export async function packDist(tree: string): Promise<Uint8Array> {
  const root = join(tree, DIST)
  const entries = await readdir(root, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const tar = pack()
  const pieces: Uint8Array[] = []
  const read = (async () => {
    for await (const piece of tar) pieces.push(piece as Uint8Array)
  })()
  for (const file of files.toSorted()) {
    const name = relative(root, file).split(sep).join('/')
    tar.entry({ name, mode: 0o644, mtime: new Date(0) }, await readFile(file))
  }
  tar.finalize()
  await read
  return Buffer.concat(pieces)
}
