// What tools have downloaded, as one tar that other builds can use. Every file in it has a path that a shelf knows and content that a lockfile
// names by its hash: on the way in as on the way out. Nobody can put anything else into a build.
import { constants, createWriteStream } from 'node:fs'
import { lstat, mkdir, open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { extract, pack } from 'tar-stream'
import { BLOB_BYTES_MAX } from '../../../protocols/limits.ts'

/** How many files, and their bytes. */
export type Kept = { files: number; bytes: number }

/** The downloads of one tool that one lockfile names. Paths are below the home of the build. */
export type Shelf = {
  /** Where such downloads may lie by now. */
  places(home: string): Promise<string[]>
  /** Undefined where the tool looks for none of them at that path. */
  checkOf(path: string): ((bytes: Buffer) => boolean) | undefined
}

/** Larger ones are fetched each time. */
const FILE_BYTES_MAX = 64 * 1024 * 1024
/** A header and its padding, for each file of a tar; a long name takes another two. */
const ENTRY_BYTES = 3 * 1_024
export const FILES_MAX = 50_000

/** Writes what the shelves know and the tools have fetched into `file`; the same downloads make the same bytes. */
export async function packKept(home: string, shelves: readonly Shelf[], file: string): Promise<Kept> {
  const tar = pack()
  const written = pipeline(tar, createWriteStream(file, { mode: 0o600 }))
  const filled = fill(tar, home, shelves).catch((error: unknown) => {
    tar.destroy(error as Error)
    throw error
  })
  const [kept] = await Promise.all([filled, written])
  return kept
}

async function fill(tar: Pack, home: string, shelves: readonly Shelf[]): Promise<Kept> {
  const kept = { files: 0, bytes: 0 }
  let size = ENTRY_BYTES
  for (const path of await placesOf(home, shelves)) {
    const bytes = await readPlain(join(home, path))
    if (bytes === undefined || size + bytes.length + ENTRY_BYTES > BLOB_BYTES_MAX || !isNamed(shelves, path, bytes)) continue
    size += bytes.length + ENTRY_BYTES
    await new Promise<void>((done, fail) =>
      tar.entry({ name: path, mode: 0o644, mtime: new Date(0) }, bytes, (error) => (error ? fail(error) : done())),
    )
    kept.files += 1
    kept.bytes += bytes.length
  }
  tar.finalize()
  return kept
}

/** How many files lie where downloads are looked for; their content is looked at when they are taken. */
export async function countKept(home: string, shelves: readonly Shelf[]): Promise<number> {
  let files = 0
  for (const path of await placesOf(home, shelves)) {
    const facts = await lstat(join(home, path)).catch(() => undefined) // not fetched
    if (facts?.isFile() === true) files += 1
  }
  return files
}

/**
 * Puts downloads where their tools look for them, in a home that nothing has run in yet. What no lockfile names, or what is something else than
 * it says, is passed over. What came before a tar breaks off stays: each file stands for itself.
 */
export async function unpackKept(source: AsyncIterable<Uint8Array>, home: string, shelves: readonly Shelf[]): Promise<Kept> {
  const kept = { files: 0, bytes: 0 }
  const taken = new Set<string>()
  const reader = extract()
  const fed = pipeline(Readable.from(source), reader)
  fed.catch(() => {}) // the loop sees the same error
  try {
    for await (const entry of reader) {
      const { name, size, type } = entry.header
      const checks = shelves.flatMap((shelf) => shelf.checkOf(name) ?? [])
      if (type !== 'file' || checks.length === 0 || size > FILE_BYTES_MAX || taken.has(name) || taken.size >= FILES_MAX) {
        entry.resume()
        continue
      }
      const pieces: Uint8Array[] = []
      for await (const piece of entry) pieces.push(piece as Uint8Array)
      const bytes = Buffer.concat(pieces)
      if (!checks.some((check) => check(bytes))) continue
      taken.add(name)
      await mkdir(dirname(join(home, name)), { recursive: true })
      await writeFile(join(home, name), bytes)
      kept.files += 1
      kept.bytes += bytes.length
    }
    await fed
  } catch {
    // Broken off or no tar at all: what is missing is fetched from the registry.
  }
  return kept
}

async function placesOf(home: string, shelves: readonly Shelf[]): Promise<string[]> {
  const places = await Promise.all(shelves.map((shelf) => shelf.places(home)))
  return [...new Set(places.flat())].toSorted().slice(0, FILES_MAX)
}

function isNamed(shelves: readonly Shelf[], path: string, bytes: Buffer): boolean {
  return shelves.some((shelf) => shelf.checkOf(path)?.(bytes) === true)
}

/** What a build ran may have put anything there: links are not followed at the end of the path. */
async function readPlain(path: string): Promise<Buffer | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined) // not fetched
  try {
    const facts = await file?.stat()
    return facts?.isFile() === true && facts.size <= FILE_BYTES_MAX ? await file?.readFile() : undefined
  } finally {
    await file?.close()
  }
}
