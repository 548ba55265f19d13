// The folders in which work runs: one for each attempt, fresh, gone when the run is over. The last few of failed runs stay to be looked at.
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { NimbusError } from '../kernel/errors.ts'

/** Folders of failed runs that stay; the oldest goes first. */
const FAILED_MAX = 5
const NAME_PATTERN = /^[A-Za-z0-9._-]{1,200}$/

export type Workspaces = {
  /** A fresh, empty folder for this attempt; what an earlier run of the same name left is removed. */
  create(taskId: string, epoch: number): Promise<string>
  /** To be called when the run has ended and its log is safe. */
  release(taskId: string, epoch: number, how: { failed: boolean }): Promise<void>
  /** At node start: no attempt of an earlier process still runs. */
  sweep(): Promise<void>
}

export function createWorkspaces({ dataDir }: { dataDir: string }): Workspaces {
  const root = join(dataDir, 'work')
  const active = new Set<string>()
  const nameOf = (taskId: string, epoch: number): string => {
    const name = `${taskId}-${epoch}`
    if (NAME_PATTERN.test(name) && !name.startsWith('.')) return name
    throw new NimbusError(
      'workspace-name-invalid',
      `${JSON.stringify(name.slice(0, 100))} cannot name a workspace, because only letters, digits and . _ - may.`,
      { kind: 'usage', cure: 'Use the id of the task.' },
    )
  }
  const remove = (name: string): Promise<void> => rm(join(root, name), { recursive: true, force: true, maxRetries: 3 })
  const keepNewest = async (): Promise<void> => {
    const kept = (await listFolders(root)).filter((folder) => !active.has(folder.name))
    const surplus = kept.toSorted((a, b) => b.changedMs - a.changedMs).slice(FAILED_MAX)
    await Promise.all(surplus.map((folder) => remove(folder.name)))
  }
  return {
    async create(taskId, epoch) {
      const name = nameOf(taskId, epoch)
      if (active.has(name))
        throw new NimbusError('workspace-in-use', `The workspace ${name} is in use.`, {
          kind: 'busy',
          cure: 'Wait for the end of the attempt that uses it.',
        })
      active.add(name)
      await remove(name)
      await mkdir(join(root, name), { recursive: true, mode: 0o700 })
      return join(root, name)
    },
    async release(taskId, epoch, { failed }) {
      const name = nameOf(taskId, epoch)
      active.delete(name)
      if (failed) await keepNewest()
      else await remove(name)
    },
    sweep: keepNewest,
  }
}

async function listFolders(root: string): Promise<{ name: string; changedMs: number }[]> {
  const names = await readdir(root).catch(() => []) // not there before the first attempt
  return Promise.all(names.map(async (name) => ({ name, changedMs: (await stat(join(root, name)).catch(() => undefined))?.mtimeMs ?? 0 })))
}
