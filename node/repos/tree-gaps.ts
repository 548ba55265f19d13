// What a checked-out tree names but does not hold: large files of LFS that are pointers, and submodules. Said in words, never fetched;
// every name comes from the repository, so it is quoted, cut, and never followed.
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { posix } from 'node:path'
import { formatBytes } from '../kernel/sizes.ts'

/** A pointer as git-lfs writes it: three lines, more where it was extended; never as long as this. */
const POINTER_BYTES_MIN = 120
const POINTER_BYTES_MAX = 1_024
const POINTER = /^version https:\/\/git-lfs\.github\.com\/spec\/v1\n(?:ext-[^\n]+\n)*oid sha256:[0-9a-f]{64}\nsize (\d{1,15})\n$/
/** Beyond this `.gitmodules` is read no further, and so many names are said; the others are counted. */
const MODULES_BYTES_MAX = 64 * 1024
const NAMED_MAX = 5
const NAME_CHARS_MAX = 80

export type TreeGaps = {
  /** To be called for each file of the tree. @param path from its root, with slashes */
  file(path: string, absolute: string, bytes: number): Promise<void>
  /** To be called for each folder that is not empty. */
  filled(path: string): void
  /** One sentence or two for each kind of gap, with what helps. */
  notes(): string[]
}

export function createTreeGaps(): TreeGaps {
  const pointers: string[] = []
  const folders = new Set<string>()
  let count = 0
  let size = 0
  let modules: string[] = []
  return {
    async file(path, absolute, bytes) {
      if (path === '.gitmodules') modules = modulesOf((await startOf(absolute, MODULES_BYTES_MAX)) ?? '')
      if (bytes < POINTER_BYTES_MIN || bytes >= POINTER_BYTES_MAX) return
      const found = POINTER.exec((await startOf(absolute, POINTER_BYTES_MAX)) ?? '')
      if (found === null) return
      count += 1
      size += Number(found[1])
      if (pointers.length < NAMED_MAX) pointers.push(path)
    },
    filled: (path) => void folders.add(path),
    notes() {
      const missing = [...new Set(modules)].filter((path) => !folders.has(posix.normalize(path))).toSorted()
      return [
        ...(count === 0 ? [] : [pointerNote(pointers, count, size)]),
        ...(missing.length === 0 ? [] : [moduleNote(missing.slice(0, NAMED_MAX), missing.length)]),
      ]
    },
  }
}

function pointerNote(paths: readonly string[], count: number, size: number): string {
  return `${count} ${count === 1 ? 'file is an LFS pointer' : 'files are LFS pointers'} and not the content (${formatBytes(size)}), which Nimbus does not fetch: ${named(paths, count)}. Where it is needed: git lfs pull, in the command of the task or in a clone of your own.`
}

function moduleNote(paths: readonly string[], count: number): string {
  return `${count} ${count === 1 ? 'submodule is' : 'submodules are'} not fetched, because Nimbus clones only the repository that was named: ${named(paths, count)}. Where the content is needed: git submodule update --init, in the command of the task or in a clone of your own.`
}

function named(paths: readonly string[], count: number): string {
  const words = paths.map((path) => {
    const quoted = JSON.stringify(path)
    return quoted.length > NAME_CHARS_MAX ? `${quoted.slice(0, NAME_CHARS_MAX).toWellFormed()}…"` : quoted
  })
  return `${words.join(', ')}${count > paths.length ? ` and ${count - paths.length} more` : ''}`
}

/** The paths of the submodules. Their addresses and commands are not looked at. */
function modulesOf(text: string): string[] {
  const paths: string[] = []
  let inside = false
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*\[/.test(line)) inside = /^\s*\[submodule "/i.test(line)
    const path = inside ? /^\s*path\s*=\s*"?(.*?)"?\s*$/i.exec(line)?.[1] : undefined
    if (path !== undefined && path !== '') paths.push(path)
  }
  return paths
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
