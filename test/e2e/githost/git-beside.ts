// The machine's own git, run beside a node as a person runs it, with the remote helper on its PATH.
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { CliResult, RealNode } from '../../support/real-mesh.ts'
import { cleanEnv } from '../../support/real-mesh.ts'

export const HELPER_DIR = fileURLToPath(new URL('../../../node/bin', import.meta.url))

export function git(node: RealNode, cwd: string, ...args: string[]): Promise<CliResult> {
  const env = cleanEnv({
    PATH: `${process.env['PATH']}:${HELPER_DIR}`,
    NIMBUS_DATA: node.dataDir,
    HOME: dirname(node.dataDir),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'Test',
    GIT_AUTHOR_EMAIL: 'test@example.org',
    GIT_COMMITTER_NAME: 'Test',
    GIT_COMMITTER_EMAIL: 'test@example.org',
  })
  return new Promise((resolve) => {
    execFile('git', args, { cwd, env, timeout: 120_000, maxBuffer: 2 ** 26 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 255, stdout, stderr }),
    )
  })
}

/** What it printed; fails the test with what it complained of. */
export async function must(node: RealNode, cwd: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await git(node, cwd, ...args)
  expect(code, `git ${args.join(' ')}: ${stderr}`).toBe(0)
  return stdout.trim()
}

/** A file of this content, committed; answers the commit. */
export async function commit(node: RealNode, dir: string, file: string, text: string): Promise<string> {
  await writeFile(join(dir, file), text)
  await must(node, dir, 'add', '-A')
  await must(node, dir, 'commit', '-q', '-m', `${file}: ${text.slice(0, 40)}`)
  return must(node, dir, 'rev-parse', 'HEAD')
}
