// What npm keeps of its downloads, as one tar that others can use. Every file in it has the name of its SHA-512, and is taken, on the way
// in as on the way out, only where a lockfile names that very hash and the content has it: nobody can put anything else into a build.
import { createHash } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { extract, pack } from 'tar-stream'
import { BLOB_BYTES_MAX } from '../../../protocols/limits.ts'

/** How many packages, and their bytes. */
export type Kept = { files: number; bytes: number }

const HASH = /^[0-9a-f]{128}$/
const INTEGRITY = /^sha512-([A-Za-z0-9+/]{86}==)$/
/** Larger packages are fetched each time. */
const FILE_BYTES_MAX = 64 * 1024 * 1024
/** A header and its padding, for each file of a tar. */
const ENTRY_BYTES = 1_024
const PACKAGES_MAX = 50_000

/** The SHA-512 of each package that a lockfile of npm (version 2 or 3) names, in hexadecimal digits; nothing where it is none. */
export function hashesOf(lockfile: string): string[] {
  let packages: unknown
  try {
    packages = (JSON.parse(lockfile) as { packages?: unknown } | null)?.packages
  } catch {
    return [] // npm itself will say what is wrong with it
  }
  if (typeof packages !== 'object' || packages === null) return []
  return Object.values(packages)
    .slice(0, PACKAGES_MAX)
    .flatMap((one: unknown) => {
      const integrity = (one as { integrity?: unknown } | null)?.integrity
      const digest = typeof integrity === 'string' ? INTEGRITY.exec(integrity)?.[1] : undefined
      return digest === undefined ? [] : [Buffer.from(digest, 'base64').toString('hex')]
    })
}

/** Writes those of the wanted packages that npm has fetched into `file`; the same packages make the same bytes. */
export async function packTarballs(home: string, wanted: ReadonlySet<string>, file: string): Promise<Kept> {
  const tar = pack()
  const written = pipeline(tar, createWriteStream(file, { mode: 0o600 }))
  const filled = fill(tar, home, wanted).catch((error: unknown) => {
    tar.destroy(error as Error)
    throw error
  })
  const [kept] = await Promise.all([filled, written])
  return kept
}

async function fill(tar: Pack, home: string, wanted: ReadonlySet<string>): Promise<Kept> {
  const kept = { files: 0, bytes: 0 }
  let size = ENTRY_BYTES
  for (const hash of [...wanted].toSorted()) {
    const bytes = await readPackage(placeOf(home, hash), hash)
    if (bytes === undefined || size + bytes.length + ENTRY_BYTES > BLOB_BYTES_MAX) continue
    size += bytes.length + ENTRY_BYTES
    await new Promise<void>((done, fail) =>
      tar.entry({ name: hash, mode: 0o644, mtime: new Date(0) }, bytes, (error) => (error ? fail(error) : done())),
    )
    kept.files += 1
    kept.bytes += bytes.length
  }
  tar.finalize()
  return kept
}

/** How many of the wanted packages npm has by now. */
export async function countTarballs(home: string, wanted: ReadonlySet<string>): Promise<number> {
  let files = 0
  for (const hash of wanted) if ((await readPackage(placeOf(home, hash), hash)) !== undefined) files += 1
  return files
}

/**
 * Puts packages where npm looks for them, in a home that nothing has run in yet. What is not wanted, or not what its name says, is passed
 * over. What came before a tar breaks off stays: each file stands for itself.
 */
export async function unpackTarballs(source: AsyncIterable<Uint8Array>, home: string, wanted: ReadonlySet<string>): Promise<Kept> {
  const kept = { files: 0, bytes: 0 }
  const reader = extract()
  const fed = pipeline(Readable.from(source), reader)
  fed.catch(() => {}) // the loop sees the same error
  try {
    for await (const entry of reader) {
      const { name, size, type } = entry.header
      if (type !== 'file' || !wanted.has(name) || size > FILE_BYTES_MAX) {
        entry.resume()
        continue
      }
      const pieces: Uint8Array[] = []
      for await (const piece of entry) pieces.push(piece as Uint8Array)
      const bytes = Buffer.concat(pieces)
      if (sha512(bytes) !== name) continue
      const path = placeOf(home, name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, bytes)
      kept.files += 1
      kept.bytes += bytes.length
    }
    await fed
  } catch {
    // Broken off or no tar at all: what is missing is fetched from the registry.
  }
  return kept
}

/** Scripts of packages may have put anything there: links are not followed at the end of the path, and the content has to be the right one. */
async function readPackage(path: string, hash: string): Promise<Buffer | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined) // not fetched
  if (file === undefined) return undefined
  try {
    const facts = await file.stat()
    if (!facts.isFile() || facts.size > FILE_BYTES_MAX) return undefined
    const bytes = await file.readFile()
    return sha512(bytes) === hash ? bytes : undefined
  } finally {
    await file.close()
  }
}

/** Where npm (cacache) keeps content by its hash. */
function placeOf(home: string, hash: string): string {
  if (!HASH.test(hash)) throw new TypeError(`${hash} is no SHA-512`)
  return join(home, '.npm', '_cacache', 'content-v2', 'sha512', hash.slice(0, 2), hash.slice(2, 4), hash.slice(4))
}

function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex')
}
