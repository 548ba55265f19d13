// A task of kind `build`: which command carries it out, and what its report says afterwards. The report lies beside the work tree, where
// nothing that the repository starts can write.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { BlobHash, PeerId, TaskId } from '../../../protocols/ids.ts'
import type { Outcome, TaskSpec } from '../../../protocols/records.ts'
import type { ToolNeed, ToolVersions } from '../../../protocols/tasks/tool-needs.ts'
import { meetsNeed, TOOL_NEEDS_MAX, toolNeed } from '../../../protocols/tasks/tool-needs.ts'
import type { BlobStore } from '../../store/blobs.ts'
import { PROVENANCE_NAME } from '../../../protocols/builds/provenance.ts'
import type { WorkOrder } from '../execution.ts'
import type { Artifacts } from '../work/artifacts.ts'
import { collectArtifacts } from '../work/artifacts.ts'
import type { Prepared } from '../work/prepare-run.ts'

const REPORT_FILE = 'build-report.json'
const CACHE_FILE = 'build-cache.tar'
/** Under this name the report is one of the artifacts. */
export const REPORT_NAME = 'nimbus-build.json'
export const REPORT_BYTES_MAX = 4 * 1024 * 1024
const REASON_CHARS_MAX = 1_500

const report = z.looseObject({
  result: z.enum(['succeeded', 'failed']),
  tries: z.array(z.unknown()),
  failure: z.string().max(64).optional(),
  reason: z.string().optional(),
  flaky: z.boolean().optional(),
  elsewhere: z.boolean().optional(),
  needs: z.array(toolNeed).max(TOOL_NEEDS_MAX).optional(),
  cache: z
    .looseObject({
      key: z.string(),
      hit: z.boolean(),
      size: z.int(),
      tar: z.looseObject({ hash: z.string(), size: z.int() }).optional(),
      saved: z.boolean().optional(),
    })
    .optional(),
  plan: z.looseObject({ artifacts: z.array(z.string().max(1024)).max(256) }),
})

/** Where a build may go on that this machine could not finish. */
export type Elsewhere = {
  self: PeerId
  /** What this worker tells of its tools. */
  ownTools(): Readonly<ToolVersions>
  /** Another worker is here that may take the task, and has not tried it. */
  anotherMay(task: TaskId): boolean
  /** The newest build of the same repository and ref that succeeded. */
  lastGood(task: TaskId): { task: TaskId; commit: string } | undefined
}

export type BuildWork = {
  /** The command that carries it out: this very program. */
  argv(prepared: Prepared, spec: Pick<TaskSpec, 'resources' | 'build'>): string[]
  /** Where the machine keeps tool chains. */
  environment: Readonly<Record<string, string>>
  /** What the report says, and the files that its plan (or the task) wants kept. Nothing where the build did not get so far. */
  read(prepared: Prepared, order: WorkOrder): Promise<Partial<Outcome>>
}

export type BuildWorkComponents = {
  /** The words that start this very program. */
  nimbus: readonly string[]
  environment: Readonly<Record<string, string>>
  blobs: Pick<BlobStore, 'putFile' | 'put'>
  elsewhere: Elsewhere
  caches: {
    /** Takes what a build left for others; undefined where there is no room. */
    keep(file: string, size: number): Promise<{ hash: string; size: number } | undefined>
  }
  /** The signed statement of what a build left, and from what. */
  attest(order: WorkOrder, facts: { commit: string | undefined; files: Artifacts; report: unknown }): Uint8Array
}

export function createBuildWork({ nimbus, environment, blobs, elsewhere, caches, attest }: BuildWorkComponents): BuildWork {
  const keep = async (path: string, bytes: Uint8Array): Promise<Artifacts[number]> => {
    const { hash, size } = await blobs.put(bytes)
    return { path, hash: hash as BlobHash, size }
  }
  return {
    environment,
    argv({ root }, { resources, build }) {
      // Whoever reserves memory for a build says how much it needs: beyond that it is told to do less at a time.
      const memory = resources?.memoryMb === undefined || resources.memoryMb === 0 ? [] : ['--memory', String(resources.memoryMb)]
      const cache = build?.cache === false ? [] : ['--cache', join(root, CACHE_FILE)]
      return [...nimbus, 'build', 'run', '.', '--report', join(root, REPORT_FILE), ...cache, ...memory]
    },
    async read({ root, cwd, commit }, order) {
      const file = join(root, REPORT_FILE)
      const size = (await stat(file).catch(() => undefined))?.size ?? Infinity // ended before it was written
      if (size > REPORT_BYTES_MAX) return {}
      const bytes = await readFile(file)
      const told = report.parse(JSON.parse(bytes.toString('utf8')))
      const { plan, tries, failure, flaky, result } = told
      const cache = told.cache === undefined ? undefined : await cacheOf(join(root, CACHE_FILE), told.cache, caches)
      const reason = told.reason?.slice(0, REASON_CHARS_MAX)
      const wanted = order.spec.artifacts ?? plan.artifacts
      const left: Artifacts = result === 'failed' || wanted.length === 0 ? [] : await collectArtifacts(cwd, wanted, blobs)
      const files = [...left, await keep(REPORT_NAME, bytes)]
      const signed = result === 'failed' ? [] : [await keep(PROVENANCE_NAME, attest(order, { commit, files, report: told }))]
      const move = result === 'failed' && told.elsewhere === true ? moveOf(order.task, told.needs ?? [], elsewhere) : undefined
      const lastGood = result === 'failed' && move === undefined ? elsewhere.lastGood(order.task) : undefined
      return {
        ...(move === undefined
          ? {}
          : { result: 'lost', error: `It goes on elsewhere: ${reason ?? failure ?? 'this worker could not do it'}` }),
        artifacts: [...files, ...signed],
        build: {
          commands: tries.length,
          ...(commit === undefined ? {} : { commit }),
          ...(failure === undefined ? {} : { failure }),
          ...(reason === undefined ? {} : { reason }),
          ...(flaky === true ? { flaky } : {}),
          ...(lastGood === undefined ? {} : { lastGood }),
          ...(cache === undefined ? {} : { cache }),
          ...move,
        },
      }
    },
  }
}

/** What the mesh is told of the cache. That it cannot be kept is no fault of the build. */
async function cacheOf(
  file: string,
  { key, hit, tar, saved }: NonNullable<z.infer<typeof report>['cache']>,
  caches: BuildWorkComponents['caches'],
): Promise<NonNullable<Outcome['build']>['cache']> {
  if (hit && tar !== undefined) return { key, hash: tar.hash, size: tar.size, hit }
  const bytes = saved === true ? (await stat(file).catch(() => undefined))?.size : undefined // then nothing is shared
  const kept = bytes === undefined ? undefined : await caches.keep(file, bytes).catch(() => undefined) // nor here
  return kept === undefined ? undefined : { key, hash: kept.hash, size: kept.size, hit: false }
}

/** A tool that this worker does not claim to have is a need: whoever has it comes next, also later. All else is a matter of luck elsewhere. */
function moveOf(
  task: TaskId,
  needs: readonly ToolNeed[],
  { self, ownTools, anotherMay }: Elsewhere,
): Pick<NonNullable<Outcome['build']>, 'needs' | 'tried'> | undefined {
  const lacking = needs.filter((need) => meetsNeed(need, ownTools()) !== 'yes')
  if (lacking.length > 0) return { needs: lacking }
  return anotherMay(task) ? { tried: self } : undefined
}
