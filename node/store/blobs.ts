// Files by the hash of their content: written aside, synced, then given their name. Never trusts a name that it did not compute.
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, type ReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import { createHolds } from './holds.ts'

const HASH_PATTERN = /^[0-9a-f]{64}$/

export type Blob = { hash: string; size: number }

export type BlobStore = {
  /** Copies the file in; it may change or vanish afterwards. */
  putFile(path: string): Promise<Blob>
  put(bytes: Uint8Array): Promise<Blob>
  /** Takes a stream to its end; rejects with `blob-too-large` past the limit. */
  putStream(source: AsyncIterable<Uint8Array>, sizeMax: number): Promise<Blob>
  has(hash: string): Promise<boolean>
  size(hash: string): Promise<number | undefined>
  /** The content from the byte `from` on. */
  open(hash: string, from?: number): AsyncIterable<Uint8Array>
  /** Reads all of it; false where it is absent or its content is not what its name says. */
  verify(hash: string): Promise<boolean>
  /** Where the content lies, for readers that need a file; to be read only. */
  pathOf(hash: string): string
  /** Nothing removes the blob until it is released; settles when a removal that was under way is over. */
  hold(hash: string): Promise<() => void>
  /** False where it is absent, held, or was written at this wall time or later. */
  remove(hash: string, writtenBeforeMs?: number): Promise<boolean>
  /** All blobs that come after this one, in the order of their hashes; `writtenMs` is wall time. */
  list(after?: string): AsyncIterable<{ hash: string; writtenMs: number }>
  /** Removes what a crash left half written; to be called before anything is written. */
  dropDrafts(): Promise<void>
  /** Takes a blob from elsewhere, chunk by chunk; it gets its name only if its content has this hash. */
  receive(hash: string, sizeMax: number): Promise<BlobReceiver>
}

export type BlobReceiver = {
  /** Rejects with `blob-too-large` past the limit; the receiver is then of no more use. */
  write(bytes: Uint8Array): Promise<void>
  /** Rejects with `blob-mismatch` where the content is not the one promised. */
  finish(): Promise<Blob>
  abort(): Promise<void>
}

export function createBlobStore({ dir }: { dir: string }): BlobStore {
  const place = (hash: string): string => join(dir, checked(hash).slice(0, 2), hash)
  const { hold, remove } = createHolds()
  const drafts = join(dir, 'drafts')

  /** Gives a finished file its name. Two writers of the same content both succeed: they wrote the same bytes. */
  const settle = async (draft: Draft): Promise<Blob> => {
    const blob = await draft.close()
    const folder = join(dir, blob.hash.slice(0, 2))
    const release = await hold(blob.hash)
    try {
      await mkdir(folder, { recursive: true })
      await rename(draft.path, join(folder, blob.hash))
      await syncFolder(folder)
    } finally {
      release()
    }
    return blob
  }
  const put = async (content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Blob> => {
    const draft = await openDraft(drafts)
    try {
      for await (const bytes of content) await draft.write(bytes)
      return await settle(draft)
    } catch (error) {
      await draft.discard()
      throw error
    }
  }
  return {
    putFile: (path) => put(createReadStream(path)),
    put: (bytes) => put([bytes]),
    putStream: (source, sizeMax) => put(limited(source, sizeMax)),
    has: async (hash) => (await sizeOf(place(hash))) !== undefined,
    size: (hash) => sizeOf(place(hash)),
    open: (hash, from = 0) => readFrom(place(hash), hash, from),
    async verify(hash) {
      const path = place(hash)
      return (await sizeOf(path)) !== undefined && (await hashOf(path)) === hash
    },
    pathOf: place,
    hold: (hash) => hold(checked(hash)),
    remove: (hash, writtenBeforeMs = Infinity) => remove(hash, () => removeOld(place(hash), writtenBeforeMs)),
    list: (after = '') => listFiles(dir, after),
    dropDrafts: () => rm(drafts, { recursive: true, force: true }),
    async receive(hash, sizeMax) {
      checked(hash)
      const draft = await openDraft(drafts)
      return {
        async write(bytes) {
          if (draft.size() + bytes.length <= sizeMax) return draft.write(bytes)
          await draft.discard()
          throw tooLarge(`The blob ${hash}`, sizeMax)
        },
        async finish() {
          const blob = await draft.close()
          if (blob.hash === hash) return settle(draft)
          await draft.discard()
          throw new NimbusError(
            'blob-mismatch',
            `The blob ${hash} was refused, because what came (${blob.size} bytes) has the hash ${blob.hash}.`,
            { kind: 'refused', cure: 'Fetch it from another member.' },
          )
        },
        abort: () => draft.discard(),
      }
    },
  }
}

async function* limited(source: AsyncIterable<Uint8Array>, sizeMax: number): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const bytes of source) {
    size += bytes.length
    if (size > sizeMax) throw tooLarge('The blob', sizeMax)
    yield bytes
  }
}

function tooLarge(what: string, sizeMax: number): NimbusError {
  return new NimbusError('blob-too-large', `${what} was refused, because it is larger than ${sizeMax} bytes.`, {
    kind: 'refused',
    cure: 'Make it smaller: leave out what can be fetched or built.',
  })
}

type Draft = {
  path: string
  size(): number
  write(bytes: Uint8Array): Promise<void>
  /** Syncs and closes; may be called twice. */
  close(): Promise<Blob>
  discard(): Promise<void>
}

async function openDraft(folder: string): Promise<Draft> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, randomUUID())
  const file: FileHandle = await open(path, 'wx', 0o600)
  const digest = createHash('sha256')
  let size = 0
  let closed: Promise<Blob> | undefined
  const close = async (): Promise<Blob> => {
    await file.sync()
    await file.close()
    return { hash: digest.digest('hex'), size }
  }
  return {
    path,
    size: () => size,
    async write(bytes) {
      await file.appendFile(bytes)
      digest.update(bytes)
      size += bytes.length
    },
    close: () => (closed ??= close()),
    async discard() {
      // Closing may fail on the disk that is the reason for discarding; the file goes either way.
      if (!closed) await file.close().catch(() => {})
      closed ??= Promise.resolve({ hash: '', size })
      await rm(path, { force: true })
    },
  }
}

function checked(hash: string): string {
  if (HASH_PATTERN.test(hash)) return hash
  throw new NimbusError(
    'blob-hash-invalid',
    `${JSON.stringify(hash.slice(0, 100))} names no blob, because a hash has 64 hexadecimal digits in lower case.`,
    { kind: 'usage', cure: 'Use the hash as `nimbus artifact ls` shows it.' },
  )
}

async function* readFrom(path: string, hash: string, from: number): AsyncGenerator<Uint8Array> {
  const stream: ReadStream = createReadStream(path, { start: from })
  try {
    yield* stream
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== 'ENOENT')
      throw new NimbusError('blob-unreadable', `The blob ${hash} cannot be read, because ${messageOf(cause)}.`, {
        cause,
        cure: 'Check the disk of this worker.',
      })
    throw new NimbusError('blob-missing', `The blob ${hash} is not on this worker.`, {
      kind: 'missing',
      cause,
      cure: 'Fetch it from a member that has it.',
    })
  }
}

async function hashOf(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const bytes of createReadStream(path)) digest.update(bytes)
  return digest.digest('hex')
}

async function* listFiles(dir: string, after: string): AsyncGenerator<{ hash: string; writtenMs: number }> {
  const folders = await readdir(dir).catch(() => []) // not there before the first blob
  for (const folder of folders.filter((name) => name.length === 2 && name >= after.slice(0, 2)).sort())
    for (const hash of (await readdir(join(dir, folder))).sort()) {
      if (!HASH_PATTERN.test(hash) || hash <= after) continue
      const writtenMs = await writtenAt(join(dir, folder, hash))
      if (writtenMs !== undefined) yield { hash, writtenMs }
    }
}

async function removeOld(path: string, writtenBeforeMs: number): Promise<boolean> {
  const writtenMs = await writtenAt(path)
  if (writtenMs === undefined || writtenMs >= writtenBeforeMs) return false
  await rm(path, { force: true })
  return true
}

async function writtenAt(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined) // absent
  return found?.mtimeMs
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch {
    return undefined // absent
  }
}

/** Without it the name may be lost in a power cut although the content was synced. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
