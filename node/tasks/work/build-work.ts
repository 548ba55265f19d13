// A task of kind `build`: which command carries it out, and what its report says afterwards. The report lies beside the work tree, where
// nothing that the repository starts can write.
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { BlobHash } from '../../../protocols/ids.ts'
import type { Outcome } from '../../../protocols/records.ts'
import type { BlobStore } from '../../store/blobs.ts'
import type { Artifacts } from './artifacts.ts'
import { collectArtifacts } from './artifacts.ts'
import type { Prepared } from './prepare-run.ts'

const REPORT_FILE = 'build-report.json'
/** Under this name the report is one of the artifacts. */
const REPORT_NAME = 'nimbus-build.json'
const REPORT_BYTES_MAX = 4 * 1024 * 1024

const report = z.looseObject({
  result: z.enum(['succeeded', 'failed']),
  tries: z.array(z.unknown()),
  failure: z.string().max(64).optional(),
  reason: z.string().optional(),
  flaky: z.boolean().optional(),
  plan: z.looseObject({ artifacts: z.array(z.string().max(1024)).max(256) }),
})

/** @param nimbus the words that start this very program */
export function buildArgv(nimbus: readonly string[], { root }: Prepared): string[] {
  return [...nimbus, 'build', 'run', '.', '--report', join(root, REPORT_FILE)]
}

/** What the report says, and the files that its plan (or the task) wants kept. Nothing where the build did not get so far. */
export async function readBuild(
  { root, cwd, commit }: Prepared,
  globs: readonly string[] | undefined,
  blobs: Pick<BlobStore, 'putFile'>,
): Promise<Partial<Outcome>> {
  const file = join(root, REPORT_FILE)
  const size = (await stat(file).catch(() => undefined))?.size ?? Infinity // ended before it was written
  if (size > REPORT_BYTES_MAX) return {}
  const { plan, tries, failure, reason, flaky, result } = report.parse(JSON.parse(await readFile(file, 'utf8')))
  const wanted = globs ?? plan.artifacts
  const kept: Artifacts = result === 'failed' || wanted.length === 0 ? [] : await collectArtifacts(cwd, wanted, blobs)
  const { hash } = await blobs.putFile(file)
  return {
    artifacts: [...kept, { path: REPORT_NAME, hash: hash as BlobHash, size }],
    build: {
      commands: tries.length,
      ...(commit === undefined ? {} : { commit }),
      ...(failure === undefined ? {} : { failure }),
      ...(reason === undefined ? {} : { reason: reason.slice(0, 2_000) }),
      ...(flaky === true ? { flaky } : {}),
    },
  }
}
