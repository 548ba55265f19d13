// The store of caches holds to its quota: the oldest go first, and what is larger than all of it is not taken at all.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { PeerId } from '../../../protocols/ids.ts'
import { createBlobStore } from '../../../node/store/blobs.ts'
import { createBuildCaches } from '../../../node/wiring/builds/build-caches.ts'

let dir: string
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'nimbus-caches-'))))
afterEach(() => rmSync(dir, { recursive: true, force: true }))

test('the oldest go first', async () => {
  const engine = () => {
    throw new Error('nobody asks for a key here')
  }
  const call = async function* (): AsyncGenerator<Uint8Array> {}
  const caches = await createBuildCaches({
    self: 'self' as PeerId,
    dataDir: dir,
    bytesMax: 2_500,
    fetch: { linked: () => [], call },
    engine,
  })
  const store = createBlobStore({ dir: join(dir, 'build-caches') })
  const hashes: string[] = []
  for (const [at, letter] of ['a', 'b', 'c'].entries()) {
    const file = join(dir, letter)
    writeFileSync(file, letter.repeat(1_000))
    const blob = await caches.keep(file, 1_000)
    hashes.push(blob?.hash ?? '')
    if (at < 2) utimesSync(store.pathOf(blob?.hash ?? ''), 1_000 - at, 1_000 - at) // the second is the older one
  }
  expect(await Promise.all(hashes.map(store.has))).toEqual([true, false, true])
  writeFileSync(join(dir, 'large'), 'x'.repeat(3_000))
  expect(await caches.keep(join(dir, 'large'), 3_000)).toBeUndefined()
  expect(await Promise.all(hashes.map(store.has))).toEqual([true, false, true])
})
