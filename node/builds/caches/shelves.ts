// For each tool whose lockfile names what it downloads by hash: which lockfile that is, what it names, and where the tool looks for it.
// Tools that name nothing so (maven, gradle, pip, poetry, uv), or keep only what they unpacked (pnpm), have no shelf: nobody could say what is right.
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { isObject } from '../manifests.ts'
import type { Step } from '../project.ts'
import { isModuleFile, isModuleZip } from './go-sums.ts'
import type { Shelf } from './kept-files.ts'
import { FILES_MAX } from './kept-files.ts'

export type ShelfKind = {
  tool: string
  /** The step that holds to the lockfile; the same tool run in another way does not. */
  fetches(step: Step): boolean
  /** Beside the manifest. */
  locks: readonly string[]
  /** @param lock the text of one lockfile; undefined where it names nothing */
  shelfOf(lock: string): Shelf | undefined
  /** What tells the tool where to look; folders below the home. */
  environment?: Readonly<Record<string, string>>
}

const SHA512 = /^sha512-([A-Za-z0-9+/]{86}==)$/
const begins = (step: Step, ...words: string[]): boolean => words.every((word, at) => step.argv[at] === word)

const npm: ShelfKind = {
  tool: 'npm',
  fetches: (step) => begins(step, 'npm', 'ci'),
  locks: ['package-lock.json', 'npm-shrinkwrap.json'],
  shelfOf(lock) {
    const hashes = hashesOfNpm(lock).map((digest) => Buffer.from(digest, 'base64').toString('hex'))
    // Where npm (cacache) keeps content by its hash.
    return byPath(
      hashes.map((hex) => [
        `.npm/_cacache/content-v2/sha512/${hex.slice(0, 2)}/${hex.slice(2, 4)}/${hex.slice(4)}`,
        (bytes) => digestOf('sha512', bytes) === hex,
      ]),
    )
  },
}

/** The integrity of each package that a lockfile of npm (version 2 or 3) names; nothing where it is none. */
function hashesOfNpm(lockfile: string): string[] {
  let packages: unknown
  try {
    packages = (JSON.parse(lockfile) as { packages?: unknown } | null)?.packages
  } catch {
    return [] // npm itself will say what is wrong with it
  }
  if (!isObject(packages)) return []
  return Object.values(packages)
    .slice(0, FILES_MAX)
    .flatMap((one: unknown) => {
      const integrity = (one as { integrity?: unknown } | null)?.integrity
      return typeof integrity === 'string' ? (SHA512.exec(integrity)?.[1] ?? []) : []
    })
}

/** Cargo trusts the archives that it finds; their hashes stand in its lockfile. It asks the registry's index anew, which is small. */
const CARGO_CACHE = '.cargo/registry/cache'
const cargo: ShelfKind = {
  tool: 'cargo',
  fetches: (step) => begins(step, 'cargo', 'fetch') && step.argv.includes('--locked'),
  locks: ['Cargo.lock'],
  shelfOf(lock) {
    const sums = cratesOf(lock)
    if (sums.size === 0) return undefined
    return {
      async places(home) {
        // The folder of a registry has a hash of its address in its name.
        const registries = await readdir(join(home, CARGO_CACHE)).catch(() => []) // nothing was fetched
        return registries
          .slice(0, 16)
          .flatMap((registry) => [...sums.keys()].map((crate) => `${CARGO_CACHE}/${registry}/${crate}`))
          .filter((path) => this.checkOf(path) !== undefined)
      },
      checkOf(path) {
        const [, crate = ''] = /^\.cargo\/registry\/cache\/[a-z0-9][a-z0-9.-]{0,200}-[0-9a-f]{16}\/([^/]+\.crate)$/.exec(path) ?? []
        const wanted = sums.get(crate)
        return wanted === undefined ? undefined : (bytes) => wanted.has(digestOf('sha256', bytes))
      },
    }
  },
}

/** File names of crates to their hashes: two registries may have one of the same name and version. */
function cratesOf(lock: string): Map<string, Set<string>> {
  const sums = new Map<string, Set<string>>()
  let packages: unknown
  try {
    packages = parseToml(lock)['package']
  } catch {
    return sums // cargo itself will say what is wrong with it
  }
  for (const one of Array.isArray(packages) ? packages.slice(0, FILES_MAX) : []) {
    const { name, version, checksum } = one as Record<string, unknown>
    if (typeof name !== 'string' || typeof version !== 'string' || typeof checksum !== 'string') continue
    if (!/^[\w-]+$/.test(name) || !/^[\w.+-]+$/.test(version) || !/^[0-9a-f]{64}$/.test(checksum)) continue
    const crate = `${name}-${version}.crate`
    sums.set(crate, (sums.get(crate) ?? new Set()).add(checksum))
  }
  return sums
}

/** Go trusts the sum beside a module's archive, so the archive comes without one: then go hashes it again itself, as we have. */
const GO_CACHE = 'go/pkg/mod/cache/download'
const go: ShelfKind = {
  tool: 'go',
  fetches: (step) => begins(step, 'go', 'mod', 'download'),
  locks: ['go.sum', 'go.work.sum'],
  shelfOf: (lock) =>
    byPath(
      lock
        .split('\n')
        .slice(0, FILES_MAX)
        .flatMap((line) => {
          const [module = '', version = '', sum = ''] = line.trim().split(' ')
          const [, number = '', file] = /^(v[\w.+-]+?)(\/go\.mod)?$/.exec(version) ?? []
          if (
            number === '' ||
            !/^h1:[A-Za-z0-9+/]{43}=$/.test(sum) ||
            !/^[\w.~-]+(\/[\w.~-]+)*$/.test(module) ||
            /(^|\/)\.+(\/|$)/.test(module)
          )
            return []
          const place = `${GO_CACHE}/${escaped(module)}/@v/${escaped(number)}`
          return [
            file === undefined
              ? [`${place}.zip`, (bytes) => isModuleZip(bytes, sum)]
              : [`${place}.mod`, (bytes) => isModuleFile(bytes, sum)],
          ]
        }),
    ),
}

/** For file systems that know no capital letters. */
function escaped(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => `!${letter.toLowerCase()}`)
}

/** Yarn 1 takes archives from a folder where it is told of one, checks them by its lockfile, and leaves what it fetches there. */
const YARN_MIRROR = '.yarn-mirror'
const yarn: ShelfKind = {
  tool: 'yarn',
  fetches: (step) => begins(step, 'yarn', 'install') && step.argv.includes('--frozen-lockfile'),
  locks: ['yarn.lock'],
  environment: { YARN_YARN_OFFLINE_MIRROR: YARN_MIRROR },
  shelfOf(lock) {
    if (!lock.includes('# yarn lockfile v1')) return undefined
    const hashes = new Set(
      [...lock.matchAll(/^ {2}integrity (\S+)$/gm)].slice(0, FILES_MAX).flatMap(([, integrity = '']) => SHA512.exec(integrity)?.[1] ?? []),
    )
    if (hashes.size === 0) return undefined
    return {
      places: async (home) =>
        (await readdir(join(home, YARN_MIRROR)).catch(() => [])).slice(0, FILES_MAX).map((name) => `${YARN_MIRROR}/${name}`),
      checkOf: (path) =>
        /^\.yarn-mirror\/[@\w][\w.+@-]{0,200}\.tgz$/.test(path)
          ? (bytes) => hashes.has(createHash('sha512').update(bytes).digest('base64'))
          : undefined,
    }
  },
}

export const SHELF_KINDS: readonly ShelfKind[] = [npm, cargo, go, yarn]

function byPath(entries: readonly (readonly [string, (bytes: Buffer) => boolean])[]): Shelf | undefined {
  const checks = new Map(entries)
  return checks.size === 0 ? undefined : { places: async () => [...checks.keys()], checkOf: (path) => checks.get(path) }
}

function digestOf(algorithm: 'sha256' | 'sha512', bytes: Uint8Array): string {
  return createHash(algorithm).update(bytes).digest('hex')
}
