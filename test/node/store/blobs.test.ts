// Blobs on a real disk: content decides the name, and nothing gets a name that is not its own.
import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createBlobStore } from '../../../node/store/blobs.ts'

const dir = mkdtempSync(join(tmpdir(), 'nimbus-blobs-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const blobs = createBlobStore({ dir })
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function content(hash: string, from?: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of blobs.open(hash, from)) parts.push(part)
  return Buffer.concat(parts)
}

test('a file of several megabytes is kept under its hash and read back from any offset', async () => {
  const bytes = randomBytes(3_000_000)
  writeFileSync(join(dir, 'source'), bytes)
  const blob = await blobs.putFile(join(dir, 'source'))
  expect(blob).toEqual({ hash: sha256(bytes), size: bytes.length })
  expect((await content(blob.hash)).equals(bytes)).toBe(true)
  expect((await content(blob.hash, 2_999_990)).equals(bytes.subarray(2_999_990))).toBe(true)
  expect(await blobs.size(blob.hash)).toBe(bytes.length)
})

test('the same content put by ten writers at once is one blob', async () => {
  const bytes = randomBytes(1_000)
  const put = await Promise.all(Array.from({ length: 10 }, () => blobs.put(bytes)))
  expect(new Set(put.map((blob) => blob.hash))).toEqual(new Set([sha256(bytes)]))
  expect(await blobs.verify(sha256(bytes))).toBe(true)
})

test('a received blob is kept only if its content is the one promised', async () => {
  const bytes = randomBytes(100)
  const good = await blobs.receive(sha256(bytes), 100)
  await good.write(bytes.subarray(0, 60))
  await good.write(bytes.subarray(60))
  expect(await good.finish()).toEqual({ hash: sha256(bytes), size: 100 })

  const other = sha256(randomBytes(5))
  const bad = await blobs.receive(other, 100)
  await bad.write(bytes)
  await expect(bad.finish()).rejects.toMatchObject({ code: 'blob-mismatch' })
  expect(await blobs.has(other)).toBe(false)
})

test('a sender that sends more than it may is refused, and nothing stays on the disk', async () => {
  const receiver = await blobs.receive(sha256(randomBytes(5)), 10)
  await receiver.write(randomBytes(10))
  await expect(receiver.write(randomBytes(1))).rejects.toMatchObject({ code: 'blob-too-large' })
  const aborted = await blobs.receive(sha256(randomBytes(5)), 10)
  await aborted.abort()
  expect(readdirSync(join(dir, 'drafts'))).toEqual([])
})

test('a blob that was changed on the disk fails its verification', async () => {
  const { hash } = await blobs.put(randomBytes(50))
  writeFileSync(join(dir, hash.slice(0, 2), hash), 'changed')
  expect(await blobs.verify(hash)).toBe(false)
})

test('a removed blob is absent, and reading it says so', async () => {
  const { hash } = await blobs.put(randomBytes(50))
  await blobs.remove(hash)
  expect([await blobs.has(hash), await blobs.size(hash), await blobs.verify(hash)]).toEqual([false, undefined, false])
  await expect(content(hash)).rejects.toMatchObject({ code: 'blob-missing', kind: 'missing' })
})

test('a name that is no hash never reaches the disk', async () => {
  for (const name of ['', '../../../etc/passwd', 'A'.repeat(64), `${'a'.repeat(64)}\n`, 'a'.repeat(63)]) {
    await expect((async () => blobs.has(name))()).rejects.toMatchObject({ code: 'blob-hash-invalid' })
    await expect(blobs.receive(name, 10)).rejects.toMatchObject({ code: 'blob-hash-invalid' })
  }
})

test('a blob that is held, or was written since, is not removed', async () => {
  const { hash } = await blobs.put(randomBytes(50))
  const [one, other] = [await blobs.hold(hash), await blobs.hold(hash)]
  one()
  one()
  expect(await blobs.remove(hash)).toBe(false)
  other()
  expect(await blobs.remove(hash, 1_000)).toBe(false)
  utimesSync(blobs.pathOf(hash), 0, 0)
  expect([await blobs.remove(hash, 1_000), await blobs.has(hash)]).toEqual([true, false])
})

test('a hold that comes during a removal waits for its end', async () => {
  const { hash } = await blobs.put(randomBytes(50))
  const [gone, release] = await Promise.all([blobs.remove(hash), blobs.hold(hash)])
  expect([gone, await blobs.has(hash)]).toEqual([true, false])
  release()
})

test('blobs are listed in the order of their hashes, from any of them on', async () => {
  const store = createBlobStore({ dir: join(dir, 'listed') })
  const listed = async (after?: string): Promise<string[]> => {
    const hashes: string[] = []
    for await (const { hash } of store.list(after)) hashes.push(hash)
    return hashes
  }
  expect(await listed()).toEqual([])
  const hashes = (await Promise.all(Array.from({ length: 40 }, (_, at) => store.put(Buffer.from(`${at}`))))).map(({ hash }) => hash).sort()
  expect(await listed()).toEqual(hashes)
  expect(await listed(hashes[17])).toEqual(hashes.slice(18))
})

test('what a crash left half written is dropped at the start', async () => {
  const place = join(dir, 'crashed')
  const before = createBlobStore({ dir: place })
  await (await before.receive(sha256(randomBytes(5)), 10)).write(randomBytes(5))
  const { hash } = await before.put(randomBytes(5))
  const next = createBlobStore({ dir: place })
  await next.dropDrafts()
  expect(readdirSync(place)).toEqual([hash.slice(0, 2)])
  await next.put(randomBytes(5))
})
