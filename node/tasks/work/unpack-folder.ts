// Makes a folder from the tar that a task brought. Nothing of it may lie outside, lead outside, or be anything but files,
// folders and links; links are made when all files are written, so that none is written through one.
import { mkdir, open, realpath, symlink } from 'node:fs/promises'
import { dirname, join, normalize, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'
import type { Header } from 'tar-stream'
import { extract } from 'tar-stream'
import { FOLDER_ENTRIES_MAX } from '../../../protocols/limits.ts'
import { messageOf, NimbusError } from '../../kernel/errors.ts'

const TARGET_CHARS_MAX = 1_024

/** @param dir absent or empty; on a refusal the caller removes it */
export async function unpackFolder(
  tar: AsyncIterable<Uint8Array>,
  dir: string,
  signal: AbortSignal,
  entriesMax = FOLDER_ENTRIES_MAX,
): Promise<{ entries: number }> {
  await mkdir(dir, { recursive: true })
  const root = await realpath(dir)
  const links: { path: string; target: string }[] = []
  let entries = 0
  const source = Readable.from(tar)
  const reader = extract()
  const fed = pipeline(source, reader, { signal })
  fed.catch(() => {}) // the loop below sees the same error
  try {
    for await (const entry of reader) {
      entries += 1
      if (entries > entriesMax) refuse(entry.header.name, `it has more than ${entriesMax} files and folders`)
      const path = placeOf(root, entry.header)
      const { type, linkname } = entry.header
      if (type === 'directory') await mkdir(path, { recursive: true })
      else if (type === 'symlink') links.push({ path, target: linkname ?? '' })
      else if (type === 'file' || type === 'contiguous-file') {
        await mkdir(dirname(path), { recursive: true })
        const mode = ((entry.header.mode ?? 0o644) & 0o100) !== 0 ? 0o755 : 0o644
        await writeEntry(entry as AsyncIterable<Uint8Array>, path, mode)
        continue
      } else refuse(entry.header.name, `it is a ${String(type)}, neither file, folder nor link`)
      entry.resume()
    }
    await fed
  } catch (error) {
    if (error instanceof NimbusError) throw error
    throw new NimbusError('dir-damaged', `The shipped folder cannot be unpacked: ${messageOf(error)}.`, {
      cause: error,
      cure: 'Ship it again with --dir, which makes a sound one.',
    })
  }
  for (const link of links) await makeLink(root, link)
  for (const { path, target } of links) await checkEnd(root, path, target)
  return { entries }
}

/** Piece by piece: a tar that is cut off ends the loop with an error, which a pipe between the two kinds of streams does not see. */
async function writeEntry(entry: AsyncIterable<Uint8Array>, path: string, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    for await (const piece of entry) await file.writeFile(piece)
  } finally {
    await file.close()
  }
}

function placeOf(root: string, { name }: Header): string {
  const path = normalize(join(root, name))
  if (name === '' || name.startsWith('/') || name.includes('\0') || name.split(/[/\\]/).includes('..') || !isInside(root, path))
    refuse(name, 'it lies outside the folder')
  return path
}

async function makeLink(root: string, { path, target }: { path: string; target: string }): Promise<void> {
  const name = relative(root, path)
  if (
    target === '' ||
    target.length > TARGET_CHARS_MAX ||
    target.startsWith('/') ||
    !isInside(root, normalize(join(dirname(path), target)))
  )
    refuse(name, 'it is a link out of the folder')
  await mkdir(dirname(path), { recursive: true })
  // A folder on the way may be a link by now: then this one would be made elsewhere.
  if ((await realpath(dirname(path))) !== dirname(path)) refuse(name, 'it lies behind a link')
  await symlink(target, path).catch((error: unknown) => refuse(name, messageOf(error)))
}

/** A link that leads through other links may end elsewhere than its words say. */
async function checkEnd(root: string, path: string, target: string): Promise<void> {
  const real = await realpath(path).catch(() => undefined) // it points to nothing: the check by name is all there is
  if (real !== undefined && !isInside(root, real)) refuse(relative(root, path), `it leads out of the folder (to ${target.slice(0, 100)})`)
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep)
}

function refuse(name: string, why: string): never {
  throw new NimbusError('dir-refused', `The shipped folder was refused, because of ${JSON.stringify(name.slice(0, 200))}: ${why}.`, {
    kind: 'refused',
    cure: 'Ship a folder of files that stay inside it.',
  })
}
