// Locks through the CLI on real nodes: never two commands at once, whoever dies, and a fence that grows.
import { spawn } from 'node:child_process'
import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LockView } from '../../../protocols/http/names.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { BIN, cleanEnv } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { meshOf } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let nodes: [RealNode, RealNode, RealNode]

beforeAll(async () => {
  mesh = await meshOf(3)
  nodes = mesh.nodes as [RealNode, RealNode, RealNode]
}, 120_000)
afterAll(() => mesh?.close())

/** Writes when it begins and ends, with its fence; a line is one write. */
const JOURNAL = 'echo "begin $NIMBUS_FENCE" >> "$0"; sleep 0.3; echo "end $NIMBUS_FENCE" >> "$0"'
type Run = { code: Promise<number>; stderr: () => string; pid: number | undefined }

function lockRun(node: RealNode, name: string, argv: readonly string[], options: readonly string[] = []): Run {
  const child = spawn(process.execPath, [BIN, 'lock', 'run', name, ...options, '--', ...argv], {
    env: cleanEnv({ NIMBUS_DATA: node.dataDir }),
    stdio: ['ignore', 'inherit', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += String(chunk)))
  const code = new Promise<number>((resolve) => child.once('exit', (exitCode) => resolve(exitCode ?? 255)))
  return { code, stderr: () => stderr, pid: child.pid }
}
const linesOf = async (file: string): Promise<string[]> =>
  (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')

test('commands under one lock on three nodes never run at once, and each has a higher fence', async () => {
  const file = join(mesh.dir, 'journal')
  const runs = [0, 1, 2, 0, 1, 2].map((index) => lockRun(nodes[index] as RealNode, 'deploy', ['sh', '-c', JOURNAL, file]))
  expect(await Promise.all(runs.map((run) => run.code))).toEqual(runs.map(() => 0))
  const lines = await linesOf(file)
  expect(lines).toHaveLength(runs.length * 2)
  const fences: number[] = []
  for (let at = 0; at < lines.length; at += 2) {
    const fence = Number(lines[at]?.split(' ')[1])
    expect(lines.slice(at, at + 2)).toEqual([`begin ${fence}`, `end ${fence}`])
    expect(fence).toBeGreaterThan(fences.at(-1) ?? 0)
    fences.push(fence)
  }
}, 120_000)

test('a lock passes the exit code on, is listed at every node while it is held, and is free afterwards', async () => {
  const file = join(mesh.dir, 'go')
  const run = lockRun(nodes[0], 'listed', ['sh', '-c', 'while [ ! -e "$0" ]; do sleep 0.05; done; exit 7', file])
  const listed = async (node: RealNode): Promise<LockView[]> => (await node.api<{ items: LockView[] }>('/api/locks')).body.items
  await until(async () => (await listed(nodes[2])).some((lock) => lock.name === 'listed' && lock.holderName === 'n1'), {
    what: 'the lock in the list of another node',
    timeoutMs: 20_000,
  })
  expect((await nodes[1].cli('lock', 'ls')).stdout).toMatch(/listed +n1/)
  const late = await nodes[1].cli('lock', 'run', 'listed', '--wait', '300ms', '--', 'true')
  expect(late).toMatchObject({ code: 125, stderr: expect.stringContaining('did not become free within 300 ms') })
  await appendFile(file, '')
  expect(await run.code).toBe(7)
  await until(async () => (await listed(nodes[2])).length === 0, { what: 'an empty list', timeoutMs: 20_000 })
}, 120_000)

test('with --ttl a command is ended in time, and its end is 125', async () => {
  const run = lockRun(nodes[0], 'short', ['sleep', '60'], ['--ttl', '400ms'])
  expect(await run.code).toBe(125)
  expect(run.stderr()).toContain('lock short was lost: its time is over')
}, 60_000)

test('kill -9 of a node ends the command of its holder, and another node takes the lock', async () => {
  const file = join(mesh.dir, 'killed')
  const held = lockRun(nodes[2], 'crash', ['sh', '-c', 'echo "begin $NIMBUS_FENCE" >> "$0"; sleep 120; echo late >> "$0"', file])
  await until(async () => (await linesOf(file)).length === 1, { what: 'the first holder', timeoutMs: 30_000 })
  const next = lockRun(nodes[0], 'crash', ['sh', '-c', 'echo "next $NIMBUS_FENCE" >> "$0"', file])
  await nodes[2].kill()
  const since = performance.now()
  expect(await held.code).toBe(125)
  expect(held.stderr()).toContain('lock crash was lost')
  expect(await next.code).toBe(0)
  console.log(`lock taken over ${Math.round(performance.now() - since)} ms after kill -9 of its node`)
  const [first, second, ...rest] = await linesOf(file)
  expect([first, second, ...rest].join(' ')).toMatch(/^begin \d+ next \d+$/)
  expect(Number(second?.split(' ')[1])).toBeGreaterThan(Number(first?.split(' ')[1]))
}, 120_000)
