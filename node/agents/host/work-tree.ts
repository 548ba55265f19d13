// What a session leaves behind as git objects: every change committed on its branch, one bundle of the commits, one diff, the names of
// the files. Git runs in the sandbox, because the work tree was the agent's.
import { statSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SESSION_FILES_MAX } from '../../../protocols/limits.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { Enclosure } from './enclosure.ts'
import type { HostOrder, Places } from './notes/host-order.ts'

export type Harvest = { commit: string; files: string[] }
export const BUNDLE_FILE = 'session.bundle'
export const DIFF_FILE = 'session.diff'

/** Undefined where the session has no repository. Nothing of the tree is ever removed. */
export async function harvest({ git }: Enclosure, places: Places, { base, branch, session }: HostOrder): Promise<Harvest | undefined> {
  if (base === undefined || branch === undefined || statSync(join(places.tree, '.git'), { throwIfNoEntry: false }) === undefined)
    return undefined
  await rm(places.out, { recursive: true, force: true })
  await mkdir(places.out, { recursive: true })
  const run = async (...args: string[]): Promise<string> => {
    const end = await git(args, [places.out])
    if (end.exitCode === 0) return end.output
    throw new NimbusError(
      'harvest-failed',
      `git ${args[0]} failed in the work tree of session ${session}: ${end.output.trim().slice(-300)}`,
      {
        cure: `What it did is still in ${places.tree} on its worker.`,
      },
    )
  }
  await run('add', '-A')
  if ((await git(['diff', '--cached', '--quiet'])).exitCode !== 0)
    await run('commit', '-q', '--no-verify', '-m', `session ${session}: what was not committed yet`)
  const commit = (await run('rev-parse', 'HEAD')).trim()
  // Wherever the agent left HEAD: that is its result.
  await run('update-ref', `refs/heads/${branch}`, commit)
  if (commit !== base) await run('bundle', 'create', '-q', join(places.out, BUNDLE_FILE), `${base}..refs/heads/${branch}`)
  await run('diff', '--no-color', '--no-ext-diff', '--no-textconv', '--binary', `--output=${join(places.out, DIFF_FILE)}`, base, commit)
  const names = (await run('diff', '--name-only', '-z', '--no-ext-diff', base, commit)).split('\0').filter((name) => name !== '')
  await writeFile(join(places.out, 'harvest.json'), JSON.stringify({ base, branch, commit }))
  return { commit, files: names.slice(0, SESSION_FILES_MAX).map((name) => name.slice(0, 1_024)) }
}
