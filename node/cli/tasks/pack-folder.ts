// Packs a folder as a tar, everything in it, hidden files too. A link out of the folder, or what is neither file, folder nor
// link, is refused by name before anything is sent.
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink, realpath } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { pack } from 'tar-stream'
import { BLOB_BYTES_MAX, FOLDER_ENTRIES_MAX } from '../../../protocols/limits.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'

type Item = { path: string; name: string; mode: number; mtime: Date } & (
  | { type: 'file'; size: number }
  | { type: 'directory' }
  | { type: 'symlink'; target: string }
)
export type PackedFolder = { files: number; bytes: number; tar: AsyncIterable<Uint8Array> }

/** A tar's header and padding for each entry. */
const ENTRY_BYTES = 1_024

export async function packFolder(dir: string): Promise<PackedFolder> {
  const root = await realpath(dir).catch((error: unknown) => refuse(dir, messageOf(error)))
  if (!(await lstat(root)).isDirectory()) refuse(dir, 'it is not a folder')
  const items: Item[] = []
  let bytes = 0
  for await (const item of walk(root, root)) {
    items.push(item)
    bytes += ENTRY_BYTES + (item.type === 'file' ? item.size : 0)
    if (items.length > FOLDER_ENTRIES_MAX) refuse(dir, `it has more than ${FOLDER_ENTRIES_MAX} files and folders`)
    if (bytes > BLOB_BYTES_MAX) refuse(dir, `it is larger than ${BLOB_BYTES_MAX} bytes`)
  }
  return { files: items.filter(({ type }) => type === 'file').length, bytes, tar: tarOf(items) }
}

/** In the order of names, so that the same folder makes the same bytes, which are sent and kept once. */
async function* walk(root: string, folder: string): AsyncGenerator<Item> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    const name = relative(root, path).split(sep).join('/')
    const { mode, size, mtime } = await lstat(path)
    const facts = { path, name, mode: mode & 0o777, mtime: new Date(Math.floor(mtime.getTime() / 1000) * 1000) }
    if (entry.isDirectory()) {
      yield { ...facts, type: 'directory' }
      yield* walk(root, path)
    } else if (entry.isSymbolicLink()) yield { ...facts, type: 'symlink', target: await linkInside(root, path, name) }
    else if (entry.isFile()) yield { ...facts, type: 'file', size }
    else refuse(name, 'it is neither a file, a folder nor a link')
  }
}

async function linkInside(root: string, path: string, name: string): Promise<string> {
  const target = await readlink(path)
  const real = await realpath(path).catch(() => resolve(dirname(path), target)) // it points to nothing: its words count
  const isIn = (place: string): boolean => place === root || place.startsWith(root + sep)
  if (target.startsWith('/') || !isIn(resolve(dirname(path), target)) || !isIn(real))
    refuse(name, `it is a link out of the folder (to ${target.slice(0, 100)})`)
  return target
}

async function* tarOf(items: readonly Item[]): AsyncGenerator<Uint8Array> {
  const tar = pack()
  const written = writeItems(tar, items).catch((error: unknown) => tar.destroy(error as Error))
  for await (const piece of tar) yield piece as Uint8Array
  await written
}

async function writeItems(tar: Pack, items: readonly Item[]): Promise<void> {
  for (const item of items) {
    const header = { name: item.name, mode: item.mode, mtime: item.mtime, type: item.type }
    if (item.type !== 'file') {
      await new Promise<void>((done, fail) => {
        const entry = item.type === 'symlink' ? { ...header, linkname: item.target } : header
        tar.entry(entry, (error) => (error ? fail(error) : done()))
      })
      continue
    }
    const entry = tar.entry({ ...header, size: item.size })
    // A file that grows meanwhile is cut, one that shrinks fails: the size was told already.
    if (item.size === 0) entry.end(new Uint8Array())
    else await pipeline(createReadStream(item.path, { end: item.size - 1 }), entry)
  }
  tar.finalize()
}

function refuse(name: string, why: string): never {
  throw new NimbusError('dir-refused', `--dir cannot ship ${JSON.stringify(name.slice(0, 200))}: ${why}.`, {
    kind: 'usage',
    cure: 'Ship a smaller folder, or put what is large into the repository or a place that the task can fetch from.',
  })
}
