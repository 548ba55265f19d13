// A repository with the repositories inside it. Each of those is cloned like any other one: in a process of its own, by an address that
// was looked at, at the commit that the outer tree names, within what is left of the limits of the whole.
import { lstat, realpath, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Checkout } from '../../../protocols/repos/checkout.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Cloned, CloneRequest } from '../clone.ts'
import { moduleNotes } from '../tree-gaps.ts'
import { assertNotInward } from './inward.ts'
import { addressOf, type Module, refused } from './module-address.ts'

/** Repositories inside repositories, and all of them together. */
const NESTED_MAX = 4
const TOGETHER_MAX = 64
const TIME_MAX_MS = 1_200_000
const WRITTEN_BYTES_MAX = 2e9
const NAME_CHARS_MAX = 60

export type WholeRequest = Omit<CloneRequest, 'checkout'> & { checkout?: Checkout | undefined }
export type WholeComponents = {
  /** One repository. @param within the address that names it, and whether that one's server wanted to know who asks */
  clone(request: CloneRequest, within?: { url: string; authorized: boolean }): Promise<Cloned>
  /** Whether the repository itself says, in a file of its own, that it needs its submodules. */
  wishes(dir: string): Promise<boolean>
}
type Outer = { url: string; dir: string; cloned: Cloned; nested: number; path: string }

/** @throws NimbusError as a clone; `repo-submodule-refused`, or what a submodule failed with, by its path. Nothing is left then */
export async function cloneWhole({ clone, wishes }: WholeComponents, request: WholeRequest): Promise<Cloned> {
  const { submodules: wanted, ...checkout } = request.checkout ?? {}
  const cloned = await clone({ ...request, checkout })
  try {
    if (cloned.modules.length === 0 || !(wanted ?? (await wishes(request.dir)))) return cloned
    return await withModules(clone, { ...request, checkout }, cloned)
  } catch (error) {
    await rm(request.dir, { recursive: true, force: true })
    throw error
  }
}

async function withModules(clone: WholeComponents['clone'], request: CloneRequest, top: Cloned): Promise<Cloned> {
  const { clock, limits = {} } = request
  const endMs = clock.nowMs() + (limits.timeMaxMs ?? TIME_MAX_MS)
  const bytesMax = limits.treeBytesMax ?? WRITTEN_BYTES_MAX
  const root = await realpath(request.dir)
  const notes = top.notes.filter((note) => !moduleNotes(top.missing).includes(note))
  const missing: string[] = []
  let { files, bytes } = top
  let count = 0
  const queue: Outer[] = [{ url: request.url, dir: root, cloned: top, nested: 0, path: '' }]
  for (let outer = queue.shift(); outer !== undefined; outer = queue.shift()) {
    const { cloned, nested } = outer
    const named = new Set(cloned.modules.map(({ path }) => path))
    missing.push(...cloned.missing.filter((path) => !named.has(path)).map((path) => join(outer.path, path)))
    for (const module of cloned.modules) {
      const path = join(outer.path, module.path)
      if (nested >= NESTED_MAX) throw refused(path, `it lies inside ${NESTED_MAX} others, and that is the limit`)
      if (++count > TOGETHER_MAX) throw refused(path, `there are more than ${TOGETHER_MAX} in all`)
      const url = addressOf(outer.url, module)
      await assertNotInward(outer.url, url, path)
      const timeMaxMs = endMs - clock.nowMs()
      if (timeMaxMs <= 0 || bytes >= bytesMax)
        throw refused(path, `the clone as a whole has ${timeMaxMs <= 0 ? 'taken too long' : `more than ${bytesMax} bytes`}`)
      const dir = await placeFor(outer.dir, module)
      const inner = await clone(
        innerOf(request, { url, module, dir, path, limits: { ...limits, timeMaxMs, treeBytesMax: bytesMax - bytes } }),
        { url: outer.url, authorized: cloned.authorized },
      ).catch((error: unknown) => {
        throw nameFault(path, error)
      })
      files += inner.files
      bytes += inner.bytes
      notes.push(...inner.notes.filter((note) => !moduleNotes(inner.missing).includes(note)).map((note) => `In ${shown(path)}: ${note}`))
      queue.push({ url, dir, cloned: inner, nested: nested + 1, path })
    }
  }
  return { ...top, files, bytes, missing, notes: [...notes, ...moduleNotes(missing)] }
}

type Inner = { url: string; module: Module; dir: string; path: string; limits: NonNullable<CloneRequest['limits']> }

function innerOf(request: CloneRequest, { url, module, dir, path, limits }: Inner): CloneRequest {
  const { clock, signal, engine, onProgress, checkout } = request
  return {
    url,
    ref: module.commit,
    dir,
    clock,
    limits,
    // The outer paths say nothing of what lies in it.
    checkout: checkout?.depth === undefined ? {} : { depth: checkout.depth },
    ...(signal === undefined ? {} : { signal }),
    ...(engine === undefined ? {} : { engine }),
    ...(onProgress === undefined
      ? {}
      : { onProgress: (progress) => onProgress({ ...progress, phase: `${shown(path)}: ${progress.phase}` }) }),
  }
}

/** An empty folder, or none yet, that really lies where its path says: no link leads elsewhere. */
async function placeFor(root: string, { path }: Module): Promise<string> {
  const dir = join(root, path)
  const above = await realpath(dirname(dir)).catch(() => undefined) // not written, which is refused
  if (above !== dirname(dir)) throw refused(path, 'its folder is not where its path says')
  const there = await lstat(dir).catch(() => undefined) // git makes the folder, but needs not
  if (there !== undefined && !there.isDirectory()) throw refused(path, 'something else is in its place')
  return dir
}

function nameFault(path: string, error: unknown): unknown {
  if (!(error instanceof NimbusError) || error.code === 'repo-submodule-refused' || error.code === 'clone-aborted') return error
  return new NimbusError(error.code, `The submodule ${shown(path)} could not be fetched. ${error.message}`, {
    kind: error.kind,
    cause: error,
    ...(error.cure === undefined ? {} : { cure: error.cure }),
  })
}

function shown(path: string): string {
  return JSON.stringify(path.length > NAME_CHARS_MAX ? `${path.slice(0, NAME_CHARS_MAX).toWellFormed()}…` : path)
}
