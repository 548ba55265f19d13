// `task run` and its REST twin on a mesh of real processes: output, exit codes, time limits, attempts, cancel.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, meshOf, outcomes, PATIENCE_MS, processesOf, publish, report, running, taskWhere } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let here: RealNode
let there: RealNode
beforeAll(async () => {
  mesh = await meshOf(3)
  ;[here, there] = mesh.nodes as [RealNode, RealNode]
})
afterAll(() => mesh?.close())

const run = (...words: string[]) => here.cli('task', 'run', '--worker', there.name, ...words)

test('a task run from one node on another prints its output and ends with its exit code', async () => {
  const startedAtMs = Date.now()
  const done = await run('--', 'sh', '-c', 'echo hi; echo aside >&2; exit 3')
  report('task run of `echo hi` on another node', { 'whole command ms': Date.now() - startedAtMs })
  expect(done.code).toBe(3)
  expect(done.stdout).toBe('hi\n')
  expect(done.stderr).toMatch(/^aside\n/)
  expect(done.stderr).toContain('failed: exit code 3')
})

test('the same over REST: output, exit code and worker are known on every node', async () => {
  const id = await publish(here, { argv: ['sh', '-c', 'echo hi; exit 3'], worker: there.name })
  for (const node of mesh.nodes) {
    const task = await ended(node, id)
    expect([task.state, task.result?.exitCode, task.attempts[0]?.workerName]).toEqual(['failed', 3, there.name])
    const log = await fetch(`${node.ready.http}/api/tasks/${id}/log`, { headers: { authorization: `Bearer ${node.token}` } })
    expect([log.status, await log.text()]).toEqual([200, 'hi\n'])
  }
})

test('a task that ends well ends the command with 0 and says nothing else', async () => {
  expect(await run('--', 'echo', 'two words', '$HOME')).toEqual({ code: 0, stdout: 'two words $HOME\n', stderr: '' })
})

test('a time limit ends the work and the command ends with 124', async () => {
  const done = await run('--timeout', '300ms', '--', 'sh', '-c', 'echo begun; sleep 600')
  expect([done.code, done.stdout]).toEqual([124, 'begun\n'])
  expect(done.stderr).toContain('timed out')
})

test('a signal that ended the work is told as 128 and its number', async () => {
  expect((await run('--', 'sh', '-c', 'kill -9 $$')).code).toBe(137)
  expect((await run('--', 'sh', '-c', 'kill -TERM $$')).code).toBe(143)
})

test('a command that does not exist ends with 127 and is named', async () => {
  const done = await run('--', 'no-such-command-here')
  expect(done.code).toBe(127)
  expect(done.stderr + done.stdout).toContain('no-such-command-here')
})

test('the environment of the work is cleared but for what the task and Nimbus set', async () => {
  const done = await run('--env', 'COLOUR=deep blue', '--', 'env')
  const variables = Object.fromEntries(
    done.stdout
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
  expect(variables).toMatchObject({
    COLOUR: 'deep blue',
    NIMBUS_FENCE: '1',
    NIMBUS_ATTEMPT: '1',
    NIMBUS_WORKER: there.name,
    NIMBUS_URL: there.ready.http,
  })
  expect(variables['NIMBUS_TASK']).toBeTruthy()
  expect(variables['NIMBUS_TOKEN']).toBeTruthy()
  const allowed = ['COLOUR', 'PATH', 'LANG', 'HOME', 'TMPDIR', 'PWD', 'OLDPWD', 'SHLVL', '_']
  expect(Object.keys(variables).filter((name) => !allowed.includes(name) && !name.startsWith('NIMBUS_'))).toEqual([])
})

test('a running task is cancelled from another node: its processes end and it settles once', async () => {
  const id = await publish(here, { argv: ['sh', '-c', 'sleep 600 & wait'], worker: there.name })
  const epoch = (await running(here, id)).attempts[0]?.epoch ?? 0
  await until(async () => (await processesOf(id, epoch)).length >= 2, { what: 'the work and its child', timeoutMs: PATIENCE_MS })
  const cancelled = await mesh.nodes[2]!.cli('task', 'cancel', id, '--json')
  expect(cancelled.code).toBe(0)
  for (const node of mesh.nodes) {
    const task = await ended(node, id)
    expect([task.state, outcomes(task)]).toEqual(['cancelled', ['cancelled']])
  }
  expect(await processesOf(id, epoch)).toEqual([])
  const again = await here.api<{ code: string }>(`/api/tasks/${id}/cancel`, { method: 'POST' })
  expect([again.status, again.body.code]).toEqual([409, 'task-ended'])
})

test('a waiting task that is cancelled never runs', async () => {
  const id = await publish(here, { argv: ['true'], skills: ['none'] })
  expect((await here.cli('task', 'cancel', id)).code).toBe(0)
  for (const node of mesh.nodes) {
    const task = await ended(node, id)
    expect([task.state, task.attempts]).toEqual(['cancelled', []])
  }
})

test('three attempts back off, use themselves up, and leave the task dead', async () => {
  const id = await publish(here, { argv: ['sh', '-c', 'echo try $NIMBUS_ATTEMPT; exit 9'], attempts: 3 })
  const waits = await taskWhere(here, id, (task) => task.state === 'scheduled', 'between two attempts')
  expect(waits.waiting?.code).toBe('scheduled')
  const task = await ended(here, id)
  expect([task.state, task.result?.exitCode, outcomes(task)]).toEqual(['dead', 9, ['failed', 'failed', 'failed']])
  const pauses = task.attempts.slice(1).map(({ startedAt }, index) => startedAt - (task.attempts[index]?.endedAt ?? 0))
  expect(pauses[0]).toBeGreaterThan(300)
  expect(pauses[1]).toBeGreaterThan(pauses[0] ?? 0)
  const first = await here.cli('task', 'logs', id, '--attempt', String(task.attempts[0]?.epoch))
  expect(first.stdout).toBe('try 1\n')
})

test('a task that succeeds at its second attempt has succeeded', async () => {
  const done = await here.cli('task', 'run', '--attempts', '2', '--', 'sh', '-c', 'echo $NIMBUS_ATTEMPT; [ $NIMBUS_ATTEMPT = 2 ]')
  expect([done.code, done.stdout]).toEqual([0, '1\n2\n'])
})

test('a delayed task is scheduled and starts no earlier than asked', async () => {
  const id = await publish(here, { argv: ['true'], delay: '1500ms' })
  const waits = await here.task(id)
  expect([waits.state, waits.waiting?.code]).toEqual(['scheduled', 'scheduled'])
  const task = await ended(here, id)
  expect(task.state).toBe('succeeded')
  const startedAfterMs = (task.attempts[0]?.startedAt ?? 0) - task.createdAt
  report('a task delayed by 1500 ms', { 'started after ms': startedAfterMs })
  expect(startedAfterMs).toBeGreaterThanOrEqual(1_500)
})

test('with one slot the higher priority goes first, whatever was published first', async () => {
  const narrow = await mesh.add('narrow', ['--slots', '1'])
  const ledger = join(mesh.dir, 'order')
  const gate = await publish(here, {
    argv: ['sh', '-c', 'until [ -e "$GO" ]; do sleep 0.05; done'],
    env: { GO: `${ledger}.go` },
    worker: narrow.name,
  })
  await running(here, gate)
  const script = 'echo "$RANK" >>"$LEDGER"'
  const ids: string[] = []
  for (const priority of [1, 9, 5, 0, 7])
    ids.push(
      await publish(here, { argv: ['sh', '-c', script], env: { LEDGER: ledger, RANK: String(priority) }, worker: narrow.name, priority }),
    )
  const waits = await taskWhere(here, ids[0] ?? '', (task) => task.waiting?.code === 'slots', 'waiting for a slot')
  expect(waits.waiting?.message).toContain('narrow')
  for (const id of ids) await taskWhere(narrow, id, (task: TaskView) => task.state === 'ready', 'known there')
  await publish(here, { argv: ['touch', `${ledger}.go`], worker: there.name })
  for (const id of ids) await ended(here, id)
  expect((await readFile(ledger, 'utf8')).trim().split('\n')).toEqual(['9', '7', '5', '1', '0'])
})
