// This very program as one file to be sent elsewhere: its own code, the built pages and the packages that it runs with, as a tar that is the
// same bytes for the same content. Made once and kept in the data folder.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Pack } from 'tar-stream'
import { pack } from 'tar-stream'
import { messageOf, NimbusError } from '../../kernel/errors.ts'

export type ProductPack = { file: string; hash: string; size: number }
type Item = { name: string; path: string; size: number; mode: number; mtimeMs: number }

const OWN = ['package.json', 'package-lock.json', 'node', 'protocols', 'web/dist']
/** Node does not run TypeScript of packages, and nobody reads maps and manuals there. */
const UNUSED = /\.(map|md|markdown|ts|mts|cts|flow)$/i
/** Node itself is no part of the product: a machine has it, or gets it apart. */
const NOT_SENT = /^node_modules\/(node-(linux|win|darwin)-|@types\/)/
const ITEMS_MAX = 100_000

/** @param root where package.json is */
export async function packProduct(root: string, packs: string): Promise<ProductPack> {
  const items = await listProduct(root)
  const key = createHash('sha256')
  for (const { name, size, mode, mtimeMs } of items) key.update(`${name}\0${size}\0${mode}\0${mtimeMs}\n`)
  const name = `product-${key.digest('hex').slice(0, 32)}`
  const file = join(packs, `${name}.tgz`)
  const known = await readFile(join(packs, `${name}.sha256`), 'utf8').catch(() => undefined) // not made yet
  if (known !== undefined && (await stat(file).catch(() => undefined)) !== undefined)
    return { file, hash: known, size: (await stat(file)).size }
  await mkdir(packs, { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}`
  try {
    const tar = pack()
    const filled = fill(tar, items).catch((error: unknown) => tar.destroy(error as Error))
    await pipeline(tar, createGzip({ level: 6 }), createWriteStream(draft, { mode: 0o600 }))
    await filled
    const hash = createHash('sha256')
    for await (const piece of createReadStream(draft)) hash.update(piece as Uint8Array)
    const text = hash.digest('hex')
    // One at a time is kept: the one before is of an earlier version.
    for (const old of await readdir(packs))
      if (old.startsWith('product-') && !old.startsWith(`${name}.`)) await rm(join(packs, old), { force: true })
    await rename(draft, file)
    await writeFile(join(packs, `${name}.sha256`), text)
    return { file, hash: text, size: (await stat(file)).size }
  } catch (error) {
    await rm(draft, { force: true })
    throw new NimbusError('not-packed', `The program cannot be packed: ${messageOf(error)}.`, {
      cause: error,
      cure: 'Look at the space on this disk.',
    })
  }
}

/** All files that run, by name. */
async function listProduct(root: string): Promise<Item[]> {
  const items: Item[] = []
  for (const name of OWN) await walk(root, name, items, () => true)
  for (const folder of await packagesOf(root)) await walk(root, folder, items, (name) => !UNUSED.test(name))
  return items.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** What the lockfile says that the product runs with, where it is installed. */
async function packagesOf(root: string): Promise<string[]> {
  const text = await readFile(join(root, 'package-lock.json'), 'utf8').catch((error: unknown) => {
    throw new NimbusError('no-lockfile', `${join(root, 'package-lock.json')} cannot be read, which says what belongs to the program.`, {
      cause: error,
      cure: 'Run it from a clone of its repository in which npm ci was run.',
    })
  })
  const { packages } = JSON.parse(text) as { packages: Record<string, { dev?: boolean; devOptional?: boolean }> }
  return Object.entries(packages).flatMap(([name, { dev, devOptional }]) =>
    name !== '' && dev !== true && devOptional !== true && !NOT_SENT.test(name) ? [name] : [],
  )
}

async function walk(root: string, name: string, items: Item[], wanted: (name: string) => boolean): Promise<void> {
  const path = join(root, name)
  const found = await lstat(path).catch(() => undefined) // a package of another system, or one that is optional
  if (found?.isFile() === true && wanted(name)) {
    items.push({ name, path, size: found.size, mode: (found.mode & 0o100) === 0 ? 0o644 : 0o755, mtimeMs: found.mtimeMs })
    if (items.length > ITEMS_MAX) throw new NimbusError('not-packed', `The program has more than ${ITEMS_MAX} files.`)
  }
  if (found?.isDirectory() !== true) return
  // Packages inside of packages stand in the lockfile by themselves.
  for (const entry of await readdir(path)) if (entry !== 'node_modules') await walk(root, `${name}/${entry}`, items, wanted)
}

async function fill(tar: Pack, items: readonly Item[]): Promise<void> {
  for (const { name, path, mode } of items) {
    const bytes = await readFile(path)
    await new Promise<void>((done, refused) => {
      tar.entry({ name, mode, mtime: new Date(0), size: bytes.length }, bytes, (error) => (error ? refused(error) : done()))
    })
  }
  tar.finalize()
}
