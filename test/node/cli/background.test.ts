// A node in the background, as a real process: begun, found ready, ended.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Io } from '../../../node/cli/context.ts'
import { runProgram } from '../../../node/cli/program.ts'
import type { BackgroundReady } from './background-node.ts'

const BIN = fileURLToPath(new URL('background-node.ts', import.meta.url))
let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'nimbus-background-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

async function nimbus(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const io = { stdin: new PassThrough(), stdout, stderr, env: process.env, workDir: '/' } as unknown as Io
  const code = await runProgram(['--data', dataDir, ...args], io, {
    runNode: () => Promise.reject(new Error('not here')),
    version: '0',
    configHelp: '',
    binFile: BIN,
  })
  return { code, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') }
}

it('is begun, waited for, and ended with down, which waits until the process is gone', async () => {
  const begun = await nimbus('up', '--detach', '--json', '--name', 'box', '--label', 'a=b', '--join', 'nim1-secret')
  expect(begun.code).toBe(0)
  const ready = JSON.parse(begun.out) as Pick<BackgroundReady, 'pid' | 'mesh'>
  expect(ready.pid).not.toBe(process.pid)
  expect(ready.mesh).toBe('nim1-secret') // came by the environment
  const log = await readFile(join(dataDir, 'up.log'), 'utf8')
  expect((JSON.parse(log) as BackgroundReady).args).toEqual(['up', '--name=box', '--label=a=b', '--data', dataDir, '--json'])
  expect((await stat(join(dataDir, 'up.log'))).mode & 0o777).toBe(0o600)
  expect((await nimbus('status', '--json')).code).toBe(0)
  expect(await nimbus('down')).toMatchObject({ code: 0, out: expect.stringMatching(/^Stopped after /) })
  expect(() => process.kill(ready.pid, 0)).toThrow('ESRCH')
  expect(await readFile(join(dataDir, 'stopped'), 'utf8')).toBe('true')
  expect((await nimbus('down')).code).toBe(5)
})

it('that is refused ends this command as it ended, with what it said', async () => {
  expect(await nimbus('up', '--detach', '--name', 'refused')).toEqual({ code: 4, out: '', err: 'nimbus: the invite was used before.\n' })
})
