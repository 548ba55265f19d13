// Every option of `task run` and `task publish`, through the CLI, against real nodes: here, or beside the room that gives it its meaning.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TaskView } from '../../../protocols/http/views.ts'
import { BIN, createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { ended, running, taskWhere } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let plain: RealNode
let dir: string
beforeAll(async () => {
  mesh = await createRealMesh()
  plain = await mesh.add('plain', ['--slots', '1'])
  await mesh.add('rich', ['--slots', '2', '--skill', 'gpu', '--role', 'builder', '--pool', 'blue', '--label', 'zone=eu'])
  await mesh.settled()
  dir = await mkdtemp(join(tmpdir(), 'nimbus-options-'))
})
afterAll(async () => {
  await mesh?.close()
  await rm(dir, { recursive: true, force: true })
})

/** Publishes through the CLI. */
async function publish(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await plain.cli('task', 'publish', ...args)
  expect(code, stderr).toBe(0) // a busy disk may answer that a majority does not have it yet
  return stdout.trim()
}
const show = async (id: string): Promise<TaskView> => JSON.parse((await plain.cli('task', 'show', id, '--json')).stdout) as TaskView
const startOf = (task: TaskView): number => task.attempts.at(-1)?.startedAt ?? 0
const endOf = (task: TaskView): number => task.result?.endedAt ?? 0
/** A command that runs until the file is there. */
const until = (file: string): string[] => ['--', 'sh', '-c', `until [ -e ${join(dir, file)} ]; do sleep 0.05; done`]
const open = (file: string): Promise<void> => writeFile(join(dir, file), '')

describe('what runs', () => {
  test('--name', async () => {
    const id = await publish('--name', 'a name', '--', 'true')
    expect((await show(id)).spec['name']).toBe('a name')
    expect((await plain.cli('task', 'ls', '--search', 'a name')).stdout).toContain(id)
    expect((await plain.cli('task', 'ls', '--filter', 'name:"a n*" -kind:build')).stdout).toContain(id)
    expect((await plain.cli('task', 'ls', '--filter', '-name:"a name"')).stdout).not.toContain(id)
    const wrong = await plain.cli('task', 'ls', '--filter', 'stat:failed')
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('This list has no key stat.')])
  })
  test('--env', async () => {
    expect((await plain.cli('task', 'run', '--env', 'A=b=c', '--env', 'D=', '--', 'sh', '-c', 'echo "$A/$D/"')).stdout).toBe('b=c//\n')
  })
})

test('--may: what its token may do, and no more', async () => {
  const task = await ended(plain, await publish('--may', 'task.read', '--', process.execPath, BIN, 'task', 'publish', '--', 'true'))
  expect([task.spec['may'], task.state, task.result?.exitCode]).toEqual([['task.read'], 'failed', 4])
  const id = await publish('--may', 'task.read', '--', 'sh', '-c', `"${process.execPath}" "${BIN}" task show "$NIMBUS_TASK"`)
  expect((await ended(plain, id)).state).toBe('succeeded')
})

describe('where it runs', () => {
  test.each([
    ['--worker', 'rich'],
    ['--skill', 'gpu'],
    ['--role', 'builder'],
    ['--pool', 'blue'],
    ['--label', 'zone=eu'],
  ])('%s %s', async (option, value) => {
    expect((await plain.cli('task', 'run', option, value, '--', 'sh', '-c', 'echo $NIMBUS_WORKER')).stdout).toBe('rich\n')
  })
  test.each([
    ['--cpus', '4000'],
    ['--memory', '100000000'],
    ['--free-memory', '100000000'],
    ['--disk', '1000000000'],
    ['--gpus', '900'],
  ])('%s: what nobody has is waited for, and said', async (option, value) => {
    const id = await publish(option, value, '--', 'true')
    const { waiting } = await show(id)
    expect(waiting?.code).toBe(option.slice(2))
    expect(waiting?.cure).not.toBe('')
    await plain.cli('task', 'cancel', id)
    // What everybody has asks nothing of anybody.
    expect((await plain.cli('task', 'run', option, '0', '--', 'true')).code).toBe(0)
  })
  test('--prefer', async () => {
    // It only orders the ones that fit (resources.test.ts): a slow moment of the better one is another's turn.
    const task = await ended(plain, await publish('--prefer', 'zone=eu', '--', 'true'))
    expect([task.state, task.spec['prefer']]).toEqual(['succeeded', { zone: 'eu' }])
  })
  test('--group', async () => {
    expect((await ended(plain, await publish('--group', 'default', '--', 'true'))).group).toBe('default')
  })
  test.each(['exclusive', 'available'])('--claim and --reconcile: %s', async (claim) => {
    const task = await ended(plain, await publish('--claim', claim, '--reconcile', 'newest', '--', 'true'))
    expect([task.state, task.attempts.length, task.spec['claim'], task.spec['reconcile']]).toEqual(['succeeded', 1, claim, 'newest'])
  })
})

describe('when it runs', () => {
  test('--priority', async () => {
    const blocker = await publish('--worker', 'plain', ...until('priority'))
    await running(plain, blocker)
    const [low, high] = [
      await publish('--worker', 'plain', '--priority', '0', '--', 'true'),
      await publish('--worker', 'plain', '--priority', '9', '--', 'true'),
    ]
    await open('priority')
    expect(startOf(await ended(plain, high))).toBeLessThan(startOf(await ended(plain, low)))
  })
  test('--delay', async () => {
    const task = await ended(plain, await publish('--delay', '1s', '--', 'true'))
    expect(startOf(task) - task.createdAt).toBeGreaterThanOrEqual(1000)
  })
  test('--after', async () => {
    const first = await publish(...until('after'))
    const second = await publish('--after', first, '--', 'true')
    await taskWhere(plain, second, ({ state }) => state === 'blocked', 'blocked')
    await open('after')
    expect(startOf(await ended(plain, second))).toBeGreaterThanOrEqual(endOf(await ended(plain, first)))
    const failed = await publish('--', 'false')
    expect((await ended(plain, await publish('--after', failed, '--', 'true'))).state).toBe('cancelled')
  })
  test('--after-any', async () => {
    const failed = await publish('--', 'false')
    expect((await ended(plain, await publish('--after', failed, '--after-any', '--', 'true'))).state).toBe('succeeded')
  })
  test('--dedupe', async () => {
    const first = await publish('--dedupe', 'once only', '--', 'true')
    const again = await plain.cli('task', 'publish', '--dedupe', 'once only', '--', 'true')
    expect([again.code, again.stdout.trim()]).toEqual([0, first])
    expect(again.stderr).toContain('exists already')
  })
  test('--attempts, --backoff, --backoff-max', async () => {
    const task = await ended(plain, await publish('--attempts', '4', '--backoff', '200ms', '--backoff-max', '400ms', '--', 'false'))
    expect([task.state, task.attempts.map(({ outcome }) => outcome)]).toEqual(['dead', ['failed', 'failed', 'failed', 'failed']])
    const gaps = task.attempts.slice(1).map((attempt, at) => attempt.startedAt - (task.attempts[at]?.endedAt ?? 0))
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(99)
    // Without the options the second pause alone would be longer than these together.
    expect(Math.min(...gaps)).toBeLessThan(1_000)
  })
  test('--concurrency', async () => {
    const ids = await Promise.all([1, 2].map(() => publish('--worker', 'rich', '--concurrency', 'one=1', '--', 'sleep', '0.5')))
    const [a, b] = (await Promise.all(ids.map((id) => ended(plain, id)))).toSorted((one, other) => startOf(one) - startOf(other))
    expect(startOf(b as TaskView)).toBeGreaterThanOrEqual(endOf(a as TaskView))
  })
  test('--rate', async () => {
    const ids = await Promise.all([1, 2].map(() => publish('--worker', 'rich', '--rate', 'slow=1/2s', '--', 'true')))
    const starts = (await Promise.all(ids.map((id) => ended(plain, id)))).map(startOf).toSorted((a, b) => a - b)
    // Counted from the claim, which comes a moment before the start.
    expect((starts[1] ?? 0) - (starts[0] ?? 0)).toBeGreaterThanOrEqual(1_900)
  })
  test('--lost-after', async () => {
    // What it means when a worker hangs: patience.test.ts.
    const task = await ended(plain, await publish('--lost-after', '1m', '--', 'true'))
    expect([task.state, task.spec['lostAfterMs']]).toEqual(['succeeded', 60_000])
  })
  test('--queue-timeout', async () => {
    const done = await plain.cli('task', 'run', '--worker', 'nobody', '--queue-timeout', '500ms', '--', 'true')
    expect(done.code).toBe(124)
    expect(done.stderr).toContain('timed out')
  })
})

test('every option that task run offers has its test, here or beside the room that gives it its meaning', async () => {
  const help = (await plain.cli('task', 'run', '--help')).stdout
  const offered = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)]
    .map(([, option]) => option ?? '')
    .filter((option) => option !== '--help')
  expect(offered.length).toBeGreaterThan(25)
  const folder = join(import.meta.dirname, '..')
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.test.ts'))
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const without = offered.filter((option) => !texts.some((text) => text.includes(`'${option}'`) || text.includes(`'${option},`)))
  expect(without, 'options without a test through the CLI').toEqual([])
})
