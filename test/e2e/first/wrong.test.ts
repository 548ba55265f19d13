// What goes wrong in the first minutes: each time what is wrong and what to do, the right exit code, never a stack.
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CliResult, RealNode } from '../../support/real-mesh.ts'
import { BIN, cleanEnv, runCli, startRealNode } from '../../support/real-mesh.ts'

const UP = ['up', '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0']
const isRoot = process.getuid?.() === 0

let folder: string
let node: RealNode
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nimbus-wrong-'))
  await chmod(folder, 0o755)
  node = await startRealNode(join(folder, 'box'), 'box', [])
})
afterAll(async () => {
  await node?.kill()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** One sentence of what is wrong, one of what to do, nothing for a programmer. */
function expectHelp(ran: CliResult, code: number, ...words: (string | RegExp)[]): void {
  for (const word of words) expect(ran.stderr).toMatch(word)
  expect(ran.stderr).not.toMatch(/\n\s+at |node:internal|Error:/)
  expect(ran.stderr).not.toContain('a mistake of Nimbus itself')
  expect(ran.code).toBe(code)
}

describe('what goes wrong first is said with its cure', () => {
  test('no arguments: the commands and the first steps', async () => {
    expectHelp(await runCli([]), 2, 'First steps:', 'nimbus up', 'nimbus task run -- echo hello')
  })

  test('a typo is met with the command that was meant', async () => {
    expectHelp(await runCli(['statsu']), 2, 'Did you mean status')
    expectHelp(await runCli(['up', '--nmae', 'x']), 2, 'Did you mean --name')
  })

  test('no node runs', async () => {
    const dataDir = join(folder, 'nobody')
    for (const command of [['status'], ['task', 'ls'], ['down'], ['invite']])
      expectHelp(await runCli(command, { dataDir }), 5, 'No node is running', 'nimbus up')
  })

  test('a busy port', async () => {
    const other = createServer()
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
    )
    try {
      const ran = await runCli(['up', '--http', `127.0.0.1:${port}`, '--listen', '/ip4/127.0.0.1/tcp/0'], { dataDir: join(folder, 'port') })
      expectHelp(ran, 1, String(port), '--http')
    } finally {
      other.close()
    }
  })

  test('a busy port for other nodes', async () => {
    const port = /tcp\/(\d+)/.exec(node.ready.addresses[0] ?? '')?.[1]
    const ran = await runCli(['up', '--http', '127.0.0.1:0', '--listen', `/ip4/127.0.0.1/tcp/${port}`], { dataDir: join(folder, 'listen') })
    expectHelp(ran, 1, String(port), '--listen')
  })

  test('a data folder that another node uses', async () => {
    expectHelp(await runCli(UP, { dataDir: node.dataDir }), 1, node.dataDir, '--data')
    expect((await node.mesh()).self.name).toBe('box')
  })

  test.skipIf(!isRoot)(`a data folder of somebody else${isRoot ? '' : ' [skipped: only root can become another user]'}`, async () => {
    const locked = join(folder, 'locked')
    await mkdir(locked, { mode: 0o700 })
    for (const args of [
      [...UP, '--data', join(locked, 'data')],
      ['status', '--data', node.dataDir],
    ]) {
      expectHelp(await asNobody(args), 4, /locked|box/, '--data')
    }
  })

  test('a data folder that is a file', async () => {
    expectHelp(await runCli(UP, { dataDir: join(import.meta.dirname, 'wrong.test.ts') }), 1, 'wrong.test.ts', '--data')
  })
})

describe('a terminal that can do little', () => {
  test('no colours, no control sequences, whatever the terminal is', async () => {
    for (const env of [{ TERM: 'dumb' }, { NO_COLOR: '1' }, { COLUMNS: '20' }]) {
      for (const command of [['status'], ['worker', 'ls'], ['task', 'ls'], ['doctor'], ['logs']]) {
        const ran = await runCli(command, { dataDir: node.dataDir, env })
        expect(ran.stdout + ran.stderr).not.toContain('\u001b')
        expect(ran.code, command.join(' ')).toBe(0)
      }
    }
  })

  test.each(['bash', 'zsh', 'fish'])('completion %s is a script', async (shell) => {
    expect(await runCli(['completion', shell])).toMatchObject({ code: 0, stdout: expect.stringContaining('nimbus') })
  })
})

/** Runs the CLI as a user who owns nothing here. */
function asNobody(args: string[]): Promise<CliResult> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [BIN, ...args],
      { env: cleanEnv({ HOME: '/nonexistent' }), uid: 65_534, gid: 65_534, timeout: 60_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      },
    )
  })
}
