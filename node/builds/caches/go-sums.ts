// The sums of go.sum: of a module's go.mod, and of its archive, which is hashed by the content of its files, so that how it was packed does
// not matter. A reader of zip archives for that and nothing else: it gives no file to anybody.
import { createHash } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'

const END = 0x06054b50
const CENTRAL = 0x02014b50
const LOCAL = 0x04034b50
const END_BYTES = 22
const CENTRAL_BYTES = 46
const LOCAL_BYTES = 30
/** What go itself takes as the content of a module. */
const CONTENT_BYTES_MAX = 500 * 1024 * 1024
const STORED = 0
const DEFLATED = 8

export function isModuleFile(bytes: Buffer, sum: string): boolean {
  return sumOf([{ name: 'go.mod', hash: sha256(bytes) }]) === sum
}

/** Whether the archive has this sum (`h1:…`); false for what is no plain archive. */
export function isModuleZip(bytes: Buffer, sum: string): boolean {
  try {
    return sumOf(filesOf(bytes)) === sum
  } catch {
    return false // cut off, or made to confuse
  }
}

/** `h1:`, the hash over lines of hash and name, sorted by name: golang.org/x/mod/sumdb/dirhash. */
function sumOf(files: readonly { name: string; hash: string }[]): string {
  const lines = files
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))
    .map(({ hash, name }) => `${hash}  ${name}\n`)
  return `h1:${createHash('sha256').update(lines.join('')).digest('base64')}`
}

function filesOf(zip: Buffer): { name: string; hash: string }[] {
  // A comment behind the end would let two readers see two ends: there is none in the archive of a module.
  const end = zip.length - END_BYTES
  if (zip.readUInt32LE(end) !== END || zip.readUInt16LE(end + 20) !== 0) throw new Error('no end of an archive')
  const count = zip.readUInt16LE(end + 10)
  let at = zip.readUInt32LE(end + 16)
  let room = CONTENT_BYTES_MAX
  const files: { name: string; hash: string }[] = []
  for (let index = 0; index < count; index++) {
    if (zip.readUInt32LE(at) !== CENTRAL) throw new Error('no entry')
    const nameBytes = zip.readUInt16LE(at + 28)
    const name = zip.toString('utf8', at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameBytes)
    if (name.includes('\n')) throw new Error('a name with a line feed')
    const content = contentOf(zip, at, room)
    room -= content.length
    files.push({ name, hash: sha256(content) })
    at += CENTRAL_BYTES + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  if (at !== end) throw new Error('something between the entries and the end')
  return files
}

/** @param at where the entry stands in the list of entries */
function contentOf(zip: Buffer, at: number, room: number): Buffer {
  const method = zip.readUInt16LE(at + 10)
  const packed = zip.readUInt32LE(at + 20)
  const size = zip.readUInt32LE(at + 24)
  const local = zip.readUInt32LE(at + 42)
  if (size > room || zip.readUInt32LE(local) !== LOCAL) throw new Error('no content')
  const from = local + LOCAL_BYTES + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const bytes = zip.subarray(from, from + packed)
  const content =
    method === STORED ? bytes : method === DEFLATED && size > 0 ? inflateRawSync(bytes, { maxOutputLength: size }) : Buffer.alloc(0)
  if (content.length !== size || bytes.length !== packed) throw new Error('cut off')
  return content
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
