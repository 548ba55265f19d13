// Brings a commit into the data folder as a version that could run: clone, packages, dashboard. A folder gets its name, and a version
// its mark, only when what they stand for is complete, so that a crash leaves nothing half made.
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { StepEnd, StepOrder } from '../../runner/commands/run-step.ts'
import type { BlobStore } from '../../store/blobs.ts'
import { unpackFolder } from '../../tasks/work/unpack-folder.ts'
import { DIST, packDist } from './dist.ts'
import { provideModules } from './modules.ts'
import { COMMIT_FILE } from './tree-commit.ts'

export type StageComponents = {
  clock: Clock
  versionsDir: string
  ownTree: string
  environment: Readonly<Record<string, string>>
  /** Checks a commit out into an absent or empty folder. @returns the commit that was given */
  clone(commit: string, dir: string, signal: AbortSignal): Promise<string>
  run(clock: Clock, order: StepOrder): Promise<StepEnd>
  npm(): string
  blobs: Pick<BlobStore, 'put' | 'open'>
  /** Brings a blob of another worker here; false where nobody who can be reached has it. */
  fetchBlob(hash: string, signal: AbortSignal): Promise<boolean>
}

export type Stage = {
  /** Settles with the folder of the source. @throws NimbusError `commit-mismatch` where the server gave another one */
  fetch(commit: string, signal: AbortSignal): Promise<string>
  /** Makes it complete. @param dist hash of the dashboard that a trusted worker has built from it */
  complete(commit: string, dist: string | undefined, signal: AbortSignal): Promise<{ dist: string; built: boolean }>
  /** Removes all versions but these. */
  keepOnly(commits: readonly (string | undefined)[]): Promise<void>
  dirOf(commit: string): string
}

const BUILD_MS_MAX = 300_000
const INSTALL_MS_MAX = 900_000

export function createStage(components: StageComponents): Stage {
  const { clock, versionsDir, environment } = components
  const dirOf = (commit: string): string => join(versionsDir, commit)
  const must = async (what: string, argv: readonly string[], cwd: string, timeoutMs: number, signal?: AbortSignal): Promise<void> => {
    const end = await components.run(clock, {
      argv,
      cwd,
      env: environment,
      timeoutMs,
      onOutput: () => {},
      ...(signal === undefined ? {} : { signal }),
    })
    if (end.exitCode === 0) return
    const words = end.output.trim().split('\n').slice(-5).join(' ').slice(0, 400)
    throw new NimbusError(
      'version-not-built',
      `${what} ${end.timedOut ? `took longer than ${timeoutMs} ms` : `ended with ${end.exitCode}`}: ${words}`,
      {
        cure: 'Correct it in the repository; the next commit is taken by itself.',
      },
    )
  }
  const fromPeer = async (dir: string, hash: string, signal: AbortSignal): Promise<boolean> => {
    if (!(await components.fetchBlob(hash, signal))) return false
    await rm(join(dir, DIST), { recursive: true, force: true })
    await unpackFolder(components.blobs.open(hash), join(dir, DIST), signal)
    return true
  }

  return {
    dirOf,
    async fetch(commit, signal) {
      const dir = dirOf(commit)
      if (await stat(join(dir, '.git')).catch(() => undefined)) return dir // fetched before
      const draft = `${dir}.draft`
      await rm(draft, { recursive: true, force: true })
      await mkdir(versionsDir, { recursive: true, mode: 0o700 })
      const given = await components.clone(commit, draft, signal)
      if (given !== commit)
        throw new NimbusError('commit-mismatch', `The server was asked for ${commit} and gave ${given}.`, {
          kind: 'refused',
          cure: 'Look at the server of the repository.',
        })
      await rm(dir, { recursive: true, force: true })
      await rename(draft, dir)
      return dir
    },
    async complete(commit, dist, signal) {
      const dir = dirOf(commit)
      await provideModules(
        {
          ownTree: components.ownTree,
          install: (folder) =>
            must('npm ci', [components.npm(), 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder, INSTALL_MS_MAX, signal),
        },
        dir,
        versionsDir,
      )
      const fetched = dist !== undefined && (await fromPeer(dir, dist, signal))
      if (!fetched) {
        const vite = join('node_modules', 'vite', 'bin', 'vite.js')
        await must('The build of the dashboard', [process.execPath, vite, 'build', 'web', '--logLevel', 'warn'], dir, BUILD_MS_MAX, signal)
      }
      const hash = fetched ? dist : (await components.blobs.put(await packDist(dir))).hash
      await writeFile(join(dir, `${COMMIT_FILE}.new`), `${commit}\n`)
      await rename(join(dir, `${COMMIT_FILE}.new`), join(dir, COMMIT_FILE))
      return { dist: hash, built: !fetched }
    },
    async keepOnly(commits) {
      const names = await readdir(versionsDir).catch(() => [] as string[]) // nothing was staged yet
      const kept = names.filter((name) => commits.includes(name))
      const goes = names.filter((name) => /^[0-9a-f]{40}/.test(name) && !kept.includes(name))
      for (const name of goes) await rm(join(versionsDir, name), { recursive: true, force: true })
    },
  }
}

/** The number of the protocol that a staged tree speaks, read from its own file. */
export async function protocolOf(dir: string): Promise<number> {
  const text = await readFile(join(dir, 'protocols', 'skew.ts'), 'utf8').catch(() => '') // older than the number
  return Number(/PROTOCOL_VERSION = (\d+)/.exec(text)?.[1] ?? 1)
}
