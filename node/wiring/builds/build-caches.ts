// Caches of builds on this node: tars of downloads, in a store of their own with a quota, found by what the outcomes of builds say and
// fetched from any member that has them. Losing one costs time and nothing else.
import { join } from 'node:path'
import type { PeerId } from '../../../protocols/ids.ts'
import { BLOB_BYTES_MAX } from '../../../protocols/limits.ts'
import type { Blob, BlobStore } from '../../store/blobs.ts'
import { createBlobStore } from '../../store/blobs.ts'
import type { Engine } from '../../tasks/engine.ts'
import type { BlobFetchComponents } from '../../tasks/work/blob-fetch.ts'
import { createBlobFetch } from '../../tasks/work/blob-fetch.ts'

export type BuildCaches = {
  /** Takes a tar that a build left; undefined where it is larger than all caches may be. */
  keep(file: string, size: number): Promise<Blob | undefined>
  /** The newest tar under a key that can be had, whole and as its hash says; undefined where there is none. */
  find(key: string, signal: AbortSignal): Promise<{ hash: string; size: number; bytes: AsyncIterable<Uint8Array> } | undefined>
  /** The store that other members may ask for blobs: its own and the caches. */
  beside(blobs: BlobStore): BlobStore
}

export type BuildCachesComponents = {
  self: PeerId
  dataDir: string
  /** Of all caches of this node; 0 for none at all. */
  bytesMax: number
  fetch: Pick<BlobFetchComponents, 'linked' | 'call'>
  /** The queue, asked when a build begins: by then it is there. */
  engine(): Pick<Engine, 'fold' | 'newestTasks'>
}

/** Tasks looked at for a key, newest first. */
const LOOK_MAX = 20_000
/** Different tars of one key that are tried. */
const TRY_MAX = 3

export async function createBuildCaches({ self, dataDir, bytesMax, fetch, engine }: BuildCachesComponents): Promise<BuildCaches> {
  const store = createBlobStore({ dir: join(dataDir, 'build-caches') })
  await store.dropDrafts()
  const fetcher = createBlobFetch({ self, blobs: store, ...fetch })
  /** The oldest go until the rest fits. */
  const evict = async (spare: string): Promise<void> => {
    const all: { hash: string; writtenMs: number; size: number }[] = []
    for await (const one of store.list()) all.push({ ...one, size: (await store.size(one.hash)) ?? 0 })
    let sum = all.reduce((total, { size }) => total + size, 0)
    for (const { hash, size } of all.toSorted((a, b) => a.writtenMs - b.writtenMs)) {
      if (sum <= bytesMax) return
      if (hash !== spare && (await store.remove(hash))) sum -= size
    }
  }
  /** Here and whole, or brought from elsewhere: a damaged one is worth nothing. */
  const bring = async (hash: string, holder: PeerId, signal: AbortSignal): Promise<boolean> => {
    if (await store.verify(hash)) return true
    await store.remove(hash)
    if (!(await fetcher.keep(hash, holder, signal))) return false
    await evict(hash)
    return true
  }
  return {
    async keep(file, size) {
      if (size > Math.min(bytesMax, BLOB_BYTES_MAX)) return undefined
      const blob = await store.putFile(file)
      await evict(blob.hash)
      return blob
    },
    async find(key, signal) {
      if (bytesMax === 0) return undefined
      for (const { hash, size, holder } of namedBy(engine(), key)) {
        if (size > bytesMax || !(await bring(hash, holder, signal))) continue
        return { hash, size: (await store.size(hash)) ?? 0, bytes: heldBytes(store, hash) }
      }
      return undefined
    },
    beside: (blobs) => ({
      ...blobs,
      has: async (hash) => (await blobs.has(hash)) || store.has(hash),
      async hold(hash) {
        const [release, releaseCache] = await Promise.all([blobs.hold(hash), store.hold(hash)])
        return () => (release(), releaseCache())
      },
      async *open(hash, from) {
        yield* ((await blobs.has(hash)) ? blobs : store).open(hash, from)
      },
    }),
  }
}

/** What builds said that they used or left under this key, newest first, each tar once. */
function namedBy(
  { fold, newestTasks }: Pick<Engine, 'fold' | 'newestTasks'>,
  key: string,
): { hash: string; size: number; holder: PeerId }[] {
  const named = new Map<string, { hash: string; size: number; holder: PeerId }>()
  let looked = 0
  for (const id of newestTasks()) {
    if ((looked += 1) > LOOK_MAX || named.size >= TRY_MAX) break
    const state = fold.task(id)
    if (state?.task?.spec.kind !== 'build') continue
    for (const { outcome, holder } of state.attempts) {
      const cache = outcome?.build?.cache
      if (cache?.key !== key || holder === undefined || named.has(cache.hash)) continue
      named.set(cache.hash, { hash: cache.hash, size: cache.size, holder })
    }
  }
  return [...named.values()]
}

async function* heldBytes(store: Pick<BlobStore, 'hold' | 'open'>, hash: string): AsyncGenerator<Uint8Array> {
  const release = await store.hold(hash)
  try {
    yield* store.open(hash)
  } finally {
    release()
  }
}
