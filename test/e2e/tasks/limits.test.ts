// What ends a run before its time, and what it says of itself while it runs: the time-outs, progress, cost and budget.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { BIN, createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { createGitServer, type GitServer } from '../../support/git-http.ts'
import { requirement } from '../../support/requirements.ts'
import { ended, publish, taskWhere } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let here: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  here = await mesh.add('here')
  await mesh.add('there')
  await mesh.settled()
})
afterAll(() => mesh?.close())

const NIMBUS = `${process.execPath} ${fileURLToPath(new URL(`file://${BIN}`))}`
const shell = (script: string): string[] => ['--worker', 'there', '--', 'sh', '-c', script]

test('--timeout ends the whole command', async () => {
  const done = await here.cli('task', 'run', '--timeout', '300ms', ...shell('echo begun; sleep 60'))
  expect([done.code, done.stdout]).toEqual([124, 'begun\n'])
  expect(done.stderr).toMatch(/^nimbus: task \w+ failed: timed out\.$/m)
  const [latest] = (await here.api<{ items: { result: object }[] }>('/api/tasks?limit=1')).body.items
  expect(latest?.result).toMatchObject({ timedOut: true, timeout: 'total' })
})

test('--heartbeat-timeout ends a silent command, and leaves one that speaks', async () => {
  const silent = await here.cli('task', 'run', '--heartbeat-timeout', '1s', ...shell('echo once; sleep 60'))
  expect([silent.code, silent.stdout]).toEqual([124, 'once\n'])
  expect(silent.stderr).toContain('timed out: it was silent for 1s (--heartbeat-timeout).')
  const speaking = await here.cli('task', 'run', '--heartbeat-timeout', '2s', ...shell('for i in 1 2 3 4 5; do sleep 0.7; echo $i; done'))
  expect(speaking.code).toBe(0)
})

test('progress counts as a heartbeat, and every node shows it', async () => {
  const script = `for i in 1 2 3; do ${NIMBUS} task progress --percent $((i * 30)) --cost 0.$i "step $i"; sleep 0.5; done; sleep 30`
  const id = await publish(here, { argv: ['sh', '-c', script], worker: 'there', heartbeatTimeout: '4s', attempts: 1 })
  const shown = await taskWhere(here, id, ({ progress }) => progress?.message === 'step 3', 'at step 3')
  expect(shown.progress).toEqual({ phase: 'working', message: 'step 3', percent: 90, costUsd: 0.3 })
  expect(await ended(here, id)).toMatchObject({ state: 'failed', result: { timeout: 'heartbeat', costUsd: 0.3 } })
})

test('over its budget a task is ended, and its error names both', async () => {
  const script = `${NIMBUS} task progress --cost 1.5; ${NIMBUS} task progress --cost 2.25; sleep 60`
  const done = await here.cli('task', 'run', '--budget', '2', ...shell(script))
  expect(done.code).toBe(125)
  expect(done.stderr).toContain('It said that it cost 2.25 USD, over its budget of 2.00 USD (--budget).')
})

test('outside of a task, and for another task, progress is refused', async () => {
  expect(await here.cli('task', 'progress', 'x')).toMatchObject({ code: 2 })
  const other = await publish(here, { argv: ['true'] })
  await ended(here, other)
  const done = await here.cli('task', 'run', ...shell(`NIMBUS_TASK=${other} ${NIMBUS} task progress x`))
  expect(done.code).toBe(4)
})

const git = requirement('git')
test.skipIf(!git.present)(git.title('--start-timeout ends a task whose repository does not come'), async () => {
  const server: GitServer = await createGitServer()
  try {
    const url = `${new URL(server.repo('r', { a: 'a' }).url).origin}/stuck/r.git`
    const done = await here.cli('task', 'run', '--start-timeout', '800ms', '--repo', url, ...shell('true'))
    expect(done.code).toBe(124)
    expect(done.stderr).toContain('timed out: its command had not started after 800ms (--start-timeout).')
  } finally {
    await server.close()
  }
})

test('--kind noop runs nothing and succeeds', async () => {
  expect(await here.cli('task', 'run', '--kind', 'noop')).toMatchObject({ code: 0, stdout: '' })
})
