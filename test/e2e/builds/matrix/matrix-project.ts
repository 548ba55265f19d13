// What a project of the build matrix is: how its own generator makes it, and what a build of it is expected to find and to leave.
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { RequirementName } from '../../../support/requirements.ts'

export type MatrixProject = {
  name: string
  needs: readonly RequirementName[]
  /** Makes it in an empty folder. */
  make(dir: string): Promise<void>
  /** All that detection says, no more and no less. */
  reasons: readonly string[]
  /** Files that a build hands on, beside its report. */
  leaves: readonly string[]
}

const execute = promisify(execFile)

/** Runs a generator, without a shell. */
export async function run(dir: string, file: string, ...args: string[]): Promise<void> {
  await execute(file, args, { cwd: dir, timeout: 90_000, maxBuffer: 16 * 2 ** 20 })
}

export async function put(dir: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
}
