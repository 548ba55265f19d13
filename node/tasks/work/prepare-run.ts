// What stands ready before a command starts: its folder (fresh, a repository, or one that was shipped), its stdin, and what the
// tasks before it left. It starts no process of the work.
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { TaskId } from '../../../protocols/ids.ts'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { PeerId } from '../../../protocols/ids.ts'
import type { Clock } from '../../kernel/clock.ts'
import { NimbusError } from '../../kernel/errors.ts'
import type { TaskSpec } from '../../../protocols/records.ts'
import type { Cloned } from '../../repos/clone.ts'
import type { WholeRequest } from '../../repos/modules/clone-whole.ts'
import { progressText } from '../../repos/progress.ts'
import type { Workspaces } from '../../repos/workspaces.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { WorkOrder } from '../execution.ts'
import { isSafePath } from './artifacts.ts'
import type { BlobFetch } from './blob-fetch.ts'
import { unpackFolder } from './unpack-folder.ts'

export type Progress = { phase: string; message: string; percent?: number; costUsd?: number }

export type PreparationComponents = {
  clock: Clock
  dataDir: string
  workspaces: Pick<Workspaces, 'create'>
  blobs: BlobStore
  fetch: Pick<BlobFetch, 'need'>
  clone(request: WholeRequest & { auth?: TaskSpec['repoAuth'] }): Promise<Cloned>
  /** A task as this node sees it now. */
  taskOf(task: TaskId): TaskView | undefined
}
/** `commit` is what a cloned folder stands at; `notes` say what that names and the folder does not hold. */
export type Prepared = { root: string; cwd: string; env: Record<string, string>; stdinFile?: string; commit?: string; notes?: string[] }

export type Prepare = (order: WorkOrder, signal: AbortSignal, tell: (progress: Progress) => void) => Promise<Prepared>

export function createPreparation(components: PreparationComponents): Prepare {
  const { blobs, fetch } = components

  const bringFolder = async (
    { spec, author }: WorkOrder,
    dir: string,
    signal: AbortSignal,
    tell: (progress: Progress) => void,
  ): Promise<Pick<Prepared, 'commit' | 'notes'>> => {
    if (spec.dir !== undefined) {
      tell({ phase: 'fetching', message: 'the shipped folder' })
      await fetch.need('The shipped folder', spec.dir.hash, author, signal)
      await unpackFolder(blobs.open(spec.dir.hash), dir, signal)
      return {}
    }
    if (spec.repo === undefined) {
      await mkdir(dir, { recursive: true })
      return {}
    }
    tell({ phase: 'cloning', message: 'asking the server' })
    const { commit, notes } = await components.clone({
      url: spec.repo,
      ...(spec.ref === undefined ? {} : { ref: spec.ref }),
      ...(spec.repoAuth === undefined ? {} : { auth: spec.repoAuth }),
      ...(spec.checkout === undefined ? {} : { checkout: spec.checkout }),
      dir,
      clock: components.clock,
      signal,
      onProgress: (progress) =>
        tell({
          phase: 'cloning',
          message: progressText(progress),
          ...(progress.percent === undefined ? {} : { percent: progress.percent }),
        }),
    })
    return { commit, ...(notes.length === 0 ? {} : { notes }) }
  }
  /** `ID/result.json` and `ID/files/…` of each task before this one. */
  const bringInputs = async (after: readonly TaskId[], root: string, signal: AbortSignal): Promise<void> => {
    for (const id of after) {
      const task = components.taskOf(id)
      if (task === undefined)
        throw new NimbusError('input-unknown', `Task ${id}, which came before, is not known here.`, { kind: 'missing' })
      const files = join(root, id, 'files')
      await mkdir(files, { recursive: true })
      const { state, spec, result, attempts } = task
      const holder = attempts.findLast((attempt) => attempt.endedAt !== undefined)?.worker as PeerId | undefined
      await writeFile(join(root, id, 'result.json'), `${JSON.stringify({ id, state, name: spec['name'], ...result }, undefined, 2)}\n`)
      for (const { path, hash } of result?.artifacts ?? []) {
        if (!isSafePath(path)) continue // a member's word: nothing is written outside
        await fetch.need(`The file ${path} of task ${id}`, hash, holder, signal)
        await mkdir(dirname(join(files, path)), { recursive: true })
        await writeFile(join(files, path), blobs.open(hash))
      }
    }
  }

  return async (order, signal, tell) => {
    const { task, epoch, spec, author } = order
    const root = await components.workspaces.create(task, epoch)
    const cwd = join(root, 'work')
    const inputs = join(root, 'inputs')
    const brought = await bringFolder(order, cwd, signal, tell)
    if (spec.after !== undefined) {
      tell({ phase: 'fetching', message: 'what the tasks before it left' })
      await bringInputs(spec.after, inputs, signal)
    }
    if (spec.stdin !== undefined) await fetch.need('Its standard input', spec.stdin.hash, author, signal)
    const folders = [join(root, 'home'), join(root, 'tmp'), join(components.dataDir, 'logs')]
    await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true })))
    return {
      root,
      cwd,
      env: {
        HOME: join(root, 'home'),
        TMPDIR: join(root, 'tmp'),
        ...(spec.after === undefined ? {} : { NIMBUS_INPUTS: inputs }),
      },
      ...(spec.stdin === undefined ? {} : { stdinFile: blobs.pathOf(spec.stdin.hash) }),
      ...brought,
    }
  }
}
