// What a checked-out tree names but does not hold: large files of LFS that are pointers, and submodules. Said in words, never fetched
// here; every name comes from the repository, so it is quoted, cut, and never followed.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { formatBytes } from '../kernel/sizes.ts'
import { MODULES_BYTES_MAX, readModules } from './modules/module-address.ts'

/** A pointer as git-lfs writes it: three lines, more where it was extended; never as long as this. */
const POINTER_BYTES_MIN = 120
const POINTER_BYTES_MAX = 1_024
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:ext-[^\n]+\n)*oid sha256:[0-9a-f]{64}\nsize (\d{1,15})\n$/
/** So many names are said; the others are counted. */
const NAMED_MAX = 5
const NAME_CHARS_MAX = 80

export type TreeGaps = {
  /** To be called for each file of the tree. @param path from its root, with slashes */
  file(path: string, absolute: string, bytes: number): Promise<void>
  /** To be called for each folder that is not empty. */
  filled(path: string): void
  /** What is said of the pointers. */
  notes(): string[]
  /** Paths of the submodules that are not there. */
  modules(): string[]
}

export function createTreeGaps(): TreeGaps {
  const pointers: string[] = []
  const folders = new Set<string>()
  let count = 0
  let size = 0
  let modules: string[] = []
  return {
    async file(path, absolute, bytes) {
      if (path === '.gitmodules') modules = [...readModules((await startOf(absolute, MODULES_BYTES_MAX)) ?? '').keys()]
      if (bytes < POINTER_BYTES_MIN || bytes >= POINTER_BYTES_MAX) return
      const found = POINTER.exec((await startOf(absolute, POINTER_BYTES_MAX)) ?? '')
      if (found === null) return
      count += 1
      size += Number(found[1])
      if (pointers.length < NAMED_MAX) pointers.push(path)
    },
    filled: (path) => void folders.add(path),
    notes: () => (count === 0 ? [] : [pointerNote(pointers, count, size)]),
    modules: () => modules.filter((path) => !folders.has(path)).toSorted(),
  }
}

/** One sentence or two, with what helps; none where no submodule is missing. */
export function moduleNotes(missing: readonly string[]): string[] {
  const count = missing.length
  if (count === 0) return []
  return [
    `${count} ${count === 1 ? 'submodule is' : 'submodules are'} not fetched, because it was not asked for: ${named(missing.slice(0, NAMED_MAX), count)}. Where the content is needed: --submodules (or submodules: true in nimbus.yaml) for a task or build, git submodule update --init in a clone of your own.`,
  ]
}

function pointerNote(paths: readonly string[], count: number, size: number): string {
  return `${count} ${count === 1 ? 'file is an LFS pointer' : 'files are LFS pointers'} and not the content (${formatBytes(size)}), which Nimbus does not fetch: ${named(paths, count)}. Where it is needed: git lfs pull, in the command of the task or in a clone of your own.`
}

function named(paths: readonly string[], count: number): string {
  const words = paths.map((path) => {
    const quoted = JSON.stringify(path)
    return quoted.length > NAME_CHARS_MAX ? `${quoted.slice(0, NAME_CHARS_MAX).toWellFormed()}…"` : quoted
  })
  return `${words.join(', ')}${count > paths.length ? ` and ${count - paths.length} more` : ''}`
}

/** Undefined where it is no file any more, or may not be read. */
async function startOf(file: string, bytesMax: number): Promise<string | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(file, flags).catch(() => undefined) // gone, or a link by now
  try {
    const read = await handle?.read(Buffer.alloc(bytesMax), 0, bytesMax, 0)
    return read?.buffer.toString('utf8', 0, read.bytesRead)
  } catch {
    return undefined // a folder by now, or a bad disk: it is told of by whoever needs it
  } finally {
    await handle?.close()
  }
}
