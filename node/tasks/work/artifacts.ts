// The files that an attempt leaves: those below its folder that match one of its globs, each kept by the hash of its content.
// Links are never followed: what they lead to may be no file of the task.
import { lstat, readdir, realpath } from 'node:fs/promises'
import { join, matchesGlob } from 'node:path'
import { ARTIFACT_BYTES_MAX, ARTIFACT_LIST_BYTES_MAX, ARTIFACTS_MAX } from '../../../protocols/limits.ts'
import type { Outcome } from '../../../protocols/records.ts'
import type { BlobHash } from '../../../protocols/ids.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { BlobStore } from '../../store/blobs.ts'

export type Artifacts = NonNullable<Outcome['artifacts']>

/** Files and folders looked at for one attempt. */
const LOOK_MAX = 200_000

export async function collectArtifacts(dir: string, globs: readonly string[], blobs: Pick<BlobStore, 'putFile'>): Promise<Artifacts> {
  const paths = await findFiles(dir, globs)
  if (paths.length > ARTIFACTS_MAX) refuse(`${paths.length} files match`, `${ARTIFACTS_MAX}`)
  let bytes = 0
  for (const path of paths) bytes += (await lstat(join(dir, path))).size
  if (bytes > ARTIFACT_BYTES_MAX) refuse(`they have ${bytes} bytes`, `${ARTIFACT_BYTES_MAX}`)
  const kept: Artifacts = []
  for (const path of paths) {
    const { hash, size } = await blobs.putFile(join(dir, path))
    kept.push({ path, hash: hash as BlobHash, size })
  }
  const list = Buffer.byteLength(JSON.stringify(kept))
  if (list > ARTIFACT_LIST_BYTES_MAX) refuse(`their list has ${list} bytes`, `${ARTIFACT_LIST_BYTES_MAX}`)
  return kept
}

/** Relative, inside, and no names that a file system reads in another way. */
export function isSafePath(path: string): boolean {
  return (
    path !== '' &&
    !path.includes('\0') &&
    !path.includes('\\') &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  )
}

async function findFiles(dir: string, globs: readonly string[]): Promise<string[]> {
  const root = await realpath(dir)
  const found = new Set<string>()
  let looked = 0
  for (const start of startsOf(globs)) {
    const folders = [start]
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      // The folder itself may be a link that the work put there.
      if ((await realpath(join(root, folder)).catch(() => '')) !== join(root, folder).replace(/\/$/, '')) continue
      const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []) // a glob may name a file, or nothing
      for (const entry of entries) {
        looked += 1
        if (looked > LOOK_MAX) refuse('its folder is too large to look through', `${LOOK_MAX} files`)
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`
        if (entry.isDirectory()) folders.push(path)
        else if (entry.isFile() && isSafePath(path) && globs.some((glob) => matchesGlob(path, glob))) found.add(path)
      }
    }
  }
  return [...found].toSorted()
}

/** Where to look: the part of each glob before its first wildcard, so that `dist/**` does not read all of node_modules. */
function startsOf(globs: readonly string[]): string[] {
  const starts = globs.map((glob) => {
    const parts = glob.split('/').slice(0, -1)
    const wild = parts.findIndex((part) => /[*?[\]{}!()]/.test(part))
    return (wild < 0 ? parts : parts.slice(0, wild)).join('/')
  })
  return starts.filter((start, at) => !starts.some((other, index) => isAbove(other, start) && (other !== start || index < at)))
}

function isAbove(folder: string, path: string): boolean {
  return folder === path || folder === '' || path.startsWith(`${folder}/`)
}

function refuse(what: string, limit: string): never {
  throw new NimbusError('artifacts-too-many', `Its artifacts cannot be kept: ${what}; the limit is ${limit}.`, {
    kind: 'refused',
    cure: 'Name fewer files, or pack them into one.',
  })
}
