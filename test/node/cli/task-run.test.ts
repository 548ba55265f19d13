// `task run` against the real HTTP server over a node in memory: its streams, its exit codes, its manners.
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

/** The task that a started `task run` publishes. */
async function publishedBy(run: () => Running): Promise<{ running: Running; id: string }> {
  const before = count()
  const running = run()
  await expect.poll(count, { timeout: 5000 }).toBe(before + 1)
  return { running, id: served.node.tasks({ limit: 1 }).items[0]!.id }
}

describe('task run', () => {
  it('streams what comes, each stream where it belongs, and ends with the code of the task', async () => {
    const { running, id } = await publishedBy(() =>
      start('task', 'run', '--name', 'a name', '--env', 'A=b=c', '--', 'sh', '-c', 'x', '--json'),
    )
    expect(served.node.task(id)!.spec).toMatchObject({ argv: ['sh', '-c', 'x', '--json'], name: 'a name', env: { A: 'b=c' } })
    served.node.begin(id)
    served.node.write(id, 'stdout', 'out\n')
    await expect.poll(running.stdout).toBe('out\n') // live, not at the end
    served.node.write(id, 'stderr', 'err\n')
    served.node.settle(id, { exitCode: 7 })
    const ran = await running.ended
    expect(ran).toMatchObject({ code: 7, stdout: 'out\n' })
    expect(ran.stderr).toBe(`err\nnimbus: task ${id} failed: exit code 7.\n`)
  })

  it.each([
    [{ exitCode: 0 }, 0],
    [{ exitCode: 255 }, 255],
    [{ signal: 'SIGKILL' }, 137],
    [{ signal: 'SIGTERM', timedOut: true }, 124],
    [{}, 125],
  ])('ends as the task ended: %j', async (end, code) => {
    const { running, id } = await publishedBy(() => start('task', 'run', '--quiet', '--', 'x'))
    served.node.begin(id)
    served.node.settle(id, end)
    expect(await running.ended).toMatchObject({ code, stdout: '', stderr: '' })
  })

  it('hands bytes on as they are', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    const { running, id } = await publishedBy(() => start('task', 'run', '--', 'x'))
    served.node.begin(id)
    served.node.write(id, 'stdout', '', bytes.toString('base64'))
    served.node.settle(id, { exitCode: 0 })
    expect((await running.ended).out).toEqual(bytes)
  })

  it('says when the worker was lost, and goes on with the next attempt', async () => {
    const { running, id } = await publishedBy(() => start('task', 'run', '--', 'x'))
    served.node.begin(id, 'box')
    served.node.write(id, 'stdout', 'first\n')
    await expect.poll(running.stdout).toBe('first\n')
    served.node.lose(id)
    served.node.begin(id, 'other')
    served.node.write(id, 'stdout', 'second\n')
    served.node.settle(id, { exitCode: 0 })
    const ran = await running.ended
    expect(ran.stdout).toBe('first\nsecond\n')
    expect(ran.stderr).toContain('nimbus: worker box was lost; attempt 2 runs on other.')
    expect(ran.code).toBe(0)
  })

  it('asks to cancel at the first Ctrl-C and leaves at the second', async () => {
    const { running, id } = await publishedBy(() => start('task', 'run', '--', 'x'))
    served.node.begin(id)
    served.node.write(id, 'stdout', 'on\n')
    await expect.poll(running.stdout).toBe('on\n')
    running.child.kill('SIGINT')
    await expect.poll(() => served.node.calls).toContain(`cancel ${id}`)
    expect((await running.ended).code).toBe(125)
  })

  it('with --json gives JSON lines', async () => {
    const { running, id } = await publishedBy(() => start('task', 'run', '--json', '--', 'x'))
    served.node.begin(id)
    served.node.write(id, 'stdout', 'out\n')
    served.node.settle(id, { exitCode: 3 })
    const lines = (await running.ended).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string })
    expect(lines.map((line) => line.event)).toEqual(['published', 'log', 'ended'])
  })

  it('tells a refused task from a failed one', async () => {
    const ran = await nimbus('task', 'run', '--repo', 'ext::sh -c id', '--', 'x')
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain('repo')
  })
})
