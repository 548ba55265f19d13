// The commands against the real HTTP server over a node in memory: their output, their exit codes, their manners.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Served } from '../api/serve.ts'
import { serveFake } from '../api/serve.ts'
import type { Ran, Running } from './run-cli.ts'
import { runCli, startCli } from './run-cli.ts'

let served: Served
beforeAll(async () => {
  served = await serveFake()
})
afterAll(() => served.stop())

const nimbus = (...args: string[]): Promise<Ran> => runCli(['--data', served.dataDir, ...args])
const start = (...args: string[]): Running => startCli(['--data', served.dataDir, ...args])
const count = () => served.node.tasks({ limit: 500 }).items.length

describe('tasks', () => {
  it('publish prints the ID, --json {"id"}', async () => {
    expect((await nimbus('task', 'publish', '--', 'echo', 'hi')).stdout).toMatch(/^[0-9a-z]{26}\n$/)
    expect(JSON.parse((await nimbus('task', 'publish', '--json', '--', 'echo', 'hi')).stdout)).toMatchObject({ id: expect.any(String) })
  })

  it('publish --file takes many, and nothing of a file that is broken', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nimbus-file-'))
    const file = join(folder, 'tasks.jsonl')
    await writeFile(
      file,
      Array.from({ length: 1200 }, (_, i) => JSON.stringify({ argv: ['echo', String(i), 'x'.repeat(1000)] })).join('\n'),
    )
    const ran = await nimbus('task', 'publish', '--file', file, '--json')
    expect((JSON.parse(ran.stdout) as { ids: string[] }).ids).toHaveLength(1200)
    await writeFile(file, '{"argv":["a"]}\n{"argv":')
    const before = count()
    const broken = await nimbus('task', 'publish', '--file', file)
    expect(broken).toMatchObject({ code: 2, stdout: '' })
    expect(broken.stderr).toContain('Line 2 of')
    expect(count()).toBe(before)
    await rm(folder, { recursive: true })
  })

  it('an unknown one ends with 3, one that has ended cannot be cancelled (4)', async () => {
    for (const verb of ['show', 'why', 'cancel', 'retry', 'wait', 'logs'])
      expect([verb, (await nimbus('task', verb, '01aaaaaaaaaaaaaaaaaaaaaaaa')).code]).toEqual([verb, 3])
    const { ids } = await served.node.publish([{ kind: 'shell', argv: ['x'], priority: 5, attempts: 1 }])
    served.node.begin(ids[0]!)
    served.node.settle(ids[0]!, { exitCode: 9 })
    expect((await nimbus('task', 'cancel', ids[0]!)).code).toBe(4)
    expect((await nimbus('task', 'wait', ids[0]!)).code).toBe(9)
    expect((await nimbus('task', 'retry', ids[0]!)).stdout).toMatch(/^[0-9a-z]{26}\n$/)
  })

  it('show nothing that could repaint the terminal', async () => {
    const hostile = '\u001b]52;c;aGk=\u0007\u001b[2J\r\b\u009b31m\u202egnp.exe\u200b'
    const { ids } = await served.node.publish([{ kind: 'shell', name: hostile, argv: ['x', hostile], priority: 5, attempts: 1 }])
    for (const args of [
      ['task', 'ls'],
      ['task', 'show', ids[0]!],
      ['task', 'why', ids[0]!],
    ]) {
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      expect((await nimbus(...args)).stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/)
    }
  })
})

describe('the fleet', () => {
  it('is listed, shown and commanded by name or peer ID', async () => {
    expect((await nimbus('worker', 'ls')).stdout).toContain('box *')
    const { peerId } = JSON.parse((await nimbus('worker', 'show', 'box', '--json')).stdout) as { peerId: string }
    expect((await nimbus('worker', 'drain', peerId)).code).toBe(0)
    expect(served.node.calls).toContain(`drain ${peerId}`)
    expect((await nimbus('worker', 'drain', 'nobody')).code).toBe(3)
    expect((await nimbus('worker', 'drain', '../mesh')).code).toBe(3)
    expect((await nimbus('worker', 'rm', 'box')).code).toBe(0)
  })

  it('status --json has what scripts rely on', async () => {
    const status = JSON.parse((await nimbus('status', '--json')).stdout) as Record<string, unknown>
    expect(status).toMatchObject({
      mesh: expect.any(String),
      self: { name: 'box' },
      members: [
        {
          peerId: expect.any(String),
          name: 'box',
          state: 'alive',
          roles: [],
          skills: [],
          pool: null,
          slots: 2,
          freeSlots: 2,
          load: expect.any(Number),
          version: expect.any(String),
          lastSeenMs: 0,
        } as never,
      ].map((member) => ({ ...(member as object), roles: expect.any(Array), skills: expect.any(Array) })),
    })
  })

  it('invite --json gives the invite and its end', async () => {
    expect(JSON.parse((await nimbus('invite', '--json', '--expires', '1h')).stdout)).toEqual({
      invite: 'nim1-fake',
      expiresAt: expect.any(Number),
    })
    expect((await nimbus('invite', '--role', 'king')).code).toBe(2)
  })
})

describe('streams', () => {
  it('events are printed as they happen', async () => {
    const running = start('events', '--json', '--types', 'worker.updated')
    await expect.poll(() => served.node.readers(), { timeout: 5000 }).toBeGreaterThan(0)
    served.node.emit('worker.updated', 'worker', 'box', { text: 'hi' })
    await expect.poll(running.stdout).toContain('"type":"worker.updated"')
    running.child.kill()
    await running.ended
  })

  it('a reader that goes away is no error', async () => {
    const running = start('events', '--json')
    await expect.poll(() => served.node.readers(), { timeout: 5000 }).toBeGreaterThan(0)
    running.child.stdout!.destroy()
    for (let i = 0; i < 20; i++) served.node.emit('worker.updated', 'worker', 'box', { text: 'x'.repeat(10_000) })
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('logs shows the log of the node', async () => {
    expect((await nimbus('logs')).stdout).toContain('info hello')
  })
})

it('open prints a link that signs in once', async () => {
  const url = (await nimbus('open', '--print')).stdout.trim()
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(303)
  expect((await fetch(url, { redirect: 'manual' })).status).toBe(401)
})

it('a wrong token is refused (4); the token of this data folder never goes to another address', async () => {
  expect((await nimbus('status', '--token', 'nimt-wrong')).code).toBe(4)
  const other = await serveFake()
  const ran = await nimbus('status', '--url', other.origin)
  await other.stop()
  expect(ran.code).toBe(4)
  expect(ran.stderr).toContain('This needs a token')
})

it('global options may stand anywhere before --', async () => {
  for (const args of [
    ['status', '--json', '--url', served.origin, '--token', served.token],
    ['--json', 'status', `--url=${served.origin}`, `--token=${served.token}`],
  ]) {
    expect(JSON.parse((await runCli(args)).stdout)).toMatchObject({ mesh: 'fakemesh' })
  }
})

it('a megabyte of argument is refused, not swallowed', async () => {
  const ran = await nimbus('task', 'publish', '--', 'echo', ...Array.from({ length: 12 }, () => 'x'.repeat(100_000)))
  expect(ran.code).toBe(2)
})
