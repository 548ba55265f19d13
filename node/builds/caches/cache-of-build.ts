// The cache of one build: filled before its first command, saved after its last installation and before anything that it built has run.
// A cache only saves time: whatever goes wrong with it, the build goes on without.
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { formatBytes } from '../../kernel/sizes.ts'
import type { BuildPlan } from '../plan.ts'
import type { Step } from '../project.ts'
import { countKept, packKept, unpackKept } from './kept-files.ts'
import type { ShelfKind } from './shelves.ts'
import { SHELF_KINDS } from './shelves.ts'

/** Where caches come from and go to; `file` lies outside of what a build can write to. */
export type CachePort = {
  /** The tar that the mesh has under this key; rejects where it has none. */
  open(key: string): AsyncIterable<Uint8Array>
  file: string
}
/** What a report says: downloads and their bytes, the tar that was used, `saved` where a new one lies in the file. */
export type CacheReport = { key: string; hit: boolean; files: number; size: number; tar?: { hash: string; size: number }; saved?: boolean }

export type BuildCache = {
  restore(): Promise<void>
  beforeStep(step: Step): Promise<void>
  /** Tells tools where to look: variables of every command. */
  environment: Readonly<Record<string, string>>
  /** Everything fetched was removed. */
  cleaned(): void
  /** No step comes any more. */
  finish(succeeded: boolean): Promise<void>
  report(): { cache?: CacheReport }
}

const LOCK_BYTES_MAX = 64 * 1024 * 1024
/** Part of each key: what a tar holds, and how. */
const FORMAT = 'kept-files-1'

/** @param tools versions of the tools of this machine */
export async function createBuildCache(
  port: CachePort | undefined,
  order: { root: string; home: string; plan: BuildPlan; tools: Record<string, string>; say(line: string): void },
): Promise<BuildCache | undefined> {
  const { root, home, plan, tools, say } = order
  const found = port === undefined ? [] : await lockfilesOf(root, plan.steps)
  const shelves = found.flatMap(({ kind, text }) => kind.shelfOf(text) ?? [])
  if (port === undefined || shelves.length === 0) return undefined
  const key = keyOf(found.map(({ kind, text }) => [kind.tool, tools[kind.tool] ?? '', text]))
  let note: CacheReport = { key, hit: false, files: 0, size: 0 }
  const environment: Record<string, string> = Object.fromEntries(
    found.flatMap(({ kind }) => Object.entries(kind.environment ?? {}).map(([name, folder]) => [name, join(home, folder)])),
  )
  /** After this it is too late to save: what was built has run, or it was installed in another way than planned. */
  let over = false

  const save = async (): Promise<void> => {
    if (over) return
    over = true
    if ((await countKept(home, shelves)) <= note.files) return
    const { files, bytes } = await packKept(home, shelves, port.file)
    if (files <= note.files) return rm(port.file, { force: true })
    note = { key, hit: false, files, size: bytes, saved: true }
    say(`cache: ${files} downloads are kept for other builds (${formatBytes(bytes)})`)
  }
  const quietly = async (what: () => Promise<void>): Promise<void> => {
    await what().catch(async (error: unknown) => {
      over = true
      await rm(port.file, { force: true })
      say(`cache: not used any more (${error instanceof Error ? error.message : String(error)})`)
    })
  }
  return {
    restore: () =>
      quietly(async () => {
        const seen = watched(port.open(key))
        const { files, bytes } = await unpackKept(seen.bytes, home, shelves)
        const tar = seen.whole()
        if (files > 0) note = { key, hit: true, files, size: bytes, ...(tar === undefined ? {} : { tar }) }
        say(
          files === 0
            ? 'cache: a miss; everything is fetched'
            : `cache: a hit; ${files} downloads (${formatBytes(bytes)}) need no fetching`,
        )
      }),
    environment,
    async beforeStep(step) {
      if (step.phase !== 'install') return quietly(save)
      if (!plan.steps.includes(step)) over = true
      // Tools look into a folder that they are told of; they do not make it.
      for (const folder of Object.values(environment)) await mkdir(folder, { recursive: true })
    },
    cleaned: () => void (note = { key, hit: false, files: 0, size: 0, ...(note.saved === true ? note : {}) }),
    finish: (succeeded) => (succeeded ? quietly(save) : Promise.resolve()),
    report: () => ({ cache: note }),
  }
}

/** By what decides what is fetched: platform, versions of the tools, lockfiles. */
function keyOf(locks: readonly (readonly string[])[]): string {
  const facts = [FORMAT, process.platform, process.arch, ...locks]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

/** The lockfiles that the plan's installations hold to; none of those that are run in another way. */
async function lockfilesOf(root: string, steps: readonly Step[]): Promise<{ kind: ShelfKind; text: string }[]> {
  const locks: { kind: ShelfKind; text: string }[] = []
  for (const step of steps) {
    const kind = step.phase === 'install' ? SHELF_KINDS.find(({ fetches }) => fetches(step)) : undefined
    const folder = kind === undefined ? '' : await realpath(join(root, step.dir)).catch(() => '')
    if (kind === undefined || folder !== join(await realpath(root), step.dir).replace(/\/$/, '')) continue
    for (const name of kind.locks) {
      const text = await readPlain(join(folder, name))
      if (text !== undefined) locks.push({ kind, text })
    }
  }
  return locks
}

async function readPlain(path: string): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined) // most have one of two
  try {
    const facts = await file?.stat()
    return facts?.isFile() === true && facts.size <= LOCK_BYTES_MAX ? await file?.readFile('utf8') : undefined
  } finally {
    await file?.close()
  }
}

/** Hands on what comes; `whole` says what it was once all of it has come. */
function watched(source: AsyncIterable<Uint8Array>): { bytes: AsyncIterable<Uint8Array>; whole(): CacheReport['tar'] } {
  const digest = createHash('sha256')
  let size = 0
  let tar: CacheReport['tar']
  const bytes = async function* (): AsyncGenerator<Uint8Array> {
    for await (const piece of source) {
      digest.update(piece)
      size += piece.length
      yield piece
    }
    tar = { hash: digest.digest('hex'), size }
  }
  return { bytes: bytes(), whole: () => tar }
}
