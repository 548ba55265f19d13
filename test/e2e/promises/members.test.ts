// Members come, rest, go and are sent away: unique names, commands from another node, a seat and work handed over, removal for
// good, and a viewer that may only look.
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MeshView, WorkerView } from '../../../protocols/http/views.ts'
import { createRealMesh, type RealMesh, type RealNode, runCli, startRealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, outcomes, PATIENCE_MS, publish, report, running, seated, taskWhere } from './promise-mesh.ts'

let mesh: RealMesh
let admin: RealNode
let box: RealNode
let second: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  admin = await mesh.add('admin')
  box = await mesh.add('box', ['--skill', 'carry'])
  second = await join2('box')
  await mesh.settled()
  await seated([admin, box, second], 3)
})
afterAll(() => mesh?.close())

/** Joins a node under a name that another one may have. */
async function join2(name: string, role = 'member', flags: string[] = []): Promise<RealNode> {
  const { invite } = JSON.parse((await admin.cli('invite', '--json', '--role', role)).stdout) as { invite: string }
  const node = await startRealNode(join(mesh.dir, `${name}-${mesh.nodes.length}`), name, flags, ['--join', invite])
  mesh.nodes.push(node)
  return node
}

const worker = async (from: RealNode, peerId: string): Promise<WorkerView> => (await from.api<WorkerView>(`/api/workers/${peerId}`)).body
const isGone = (node: RealNode): boolean => node.child.exitCode !== null || node.child.signalCode !== null
const memberWhere = (from: RealNode, peerId: string, condition: (view: WorkerView) => boolean, what: string): Promise<unknown> =>
  until(async () => condition(await worker(from, peerId)), { what: `a member to be ${what}`, timeoutMs: PATIENCE_MS })

test('a second box becomes box-2, on every node and for itself, and both names lead to their worker', async () => {
  expect(second.ready.name).toBe('box-2')
  for (const node of [admin, box, second])
    expect((await node.mesh()).members.map(({ name }) => name).sort()).toEqual(['admin', 'box', 'box-2'])
  for (const [name, node] of [
    ['box', box],
    ['box-2', second],
  ] as const) {
    const task = await ended(admin, await publish(admin, { argv: ['true'], worker: name }))
    expect(task.attempts.map(({ worker: peer }) => peer)).toEqual([node.ready.peerId])
  }
})

test('drain from another node: running work goes on, nothing new starts, resume takes it up', async () => {
  const gate = join(mesh.dir, 'drain-gate')
  const held = await publish(admin, { argv: ['sh', '-c', 'until [ -e "$GATE" ]; do sleep 0.05; done'], env: { GATE: gate }, worker: 'box' })
  await running(admin, held)
  expect((await second.cli('worker', 'drain', 'box')).stdout).toContain('box drains')
  for (const node of [admin, second]) await memberWhere(node, box.ready.peerId, ({ mode }) => mode === 'draining', 'draining')
  const next = await publish(second, { argv: ['true'], worker: 'box' })
  await taskWhere(second, next, ({ waiting }) => waiting?.code === 'draining', 'waiting for a worker that drains')
  expect((await admin.cli('task', 'run', '--worker', 'box-2', '--', 'touch', gate)).code).toBe(0)
  expect((await ended(admin, held)).state).toBe('succeeded')
  expect((await admin.task(next)).state).toBe('ready')
  expect((await second.cli('worker', 'resume', 'box')).code).toBe(0)
  expect((await ended(second, next)).state).toBe('succeeded')
})

test('restart from another node: the worker comes back under its name and identity, and works', async () => {
  const before = (await box.mesh()).uptimeMs
  expect((await admin.cli('worker', 'restart', 'box')).code).toBe(0)
  await until(
    async () => {
      const origin = (JSON.parse(await readFile(join(box.dataDir, 'node.json'), 'utf8')) as { http: string }).http
      const response = await fetch(`${origin}/api/mesh`, { headers: { authorization: `Bearer ${box.token}` } })
      const view = (await response.json()) as MeshView
      box.ready.http = origin
      return view.uptimeMs < before && view.members.every(({ state }) => state === 'alive')
    },
    { what: 'box to be back', timeoutMs: PATIENCE_MS },
  )
  await memberWhere(admin, box.ready.peerId, ({ state, mode }) => state === 'alive' && mode === 'active', 'alive')
  expect((await ended(admin, await publish(admin, { argv: ['true'], worker: 'box' }))).state).toBe('succeeded')
})

test('a viewer sees everything, runs nothing and cannot publish', async () => {
  const viewer = await join2('viewer', 'viewer')
  await mesh.settled()
  const refused = await viewer.api<{ code: string; detail: string; cure: string }>('/api/tasks', { body: { argv: ['true'] } })
  expect([refused.status, refused.body.detail]).toEqual([403, expect.stringContaining('viewer')])
  expect(refused.body.cure).toContain('--role member')
  expect((await viewer.cli('task', 'run', '--', 'true')).code).toBe(125)
  expect((await viewer.cli('task', 'publish', '--', 'true')).code).toBe(4)
  expect((await viewer.cli('invite')).code).toBe(4)
  expect((await viewer.cli('worker', 'stop', 'box-2')).code).toBe(4)
  const id = await publish(admin, { argv: ['true'], worker: 'viewer' })
  await taskWhere(viewer, id, ({ waiting }) => waiting?.code === 'viewer', 'waiting for ever')
  expect((await viewer.cli('task', 'cancel', id)).code).toBe(4)
  expect((await viewer.mesh()).members).toHaveLength(4)
  expect((await worker(admin, viewer.ready.peerId)).keeper).toBe(false)
})

test('leave hands over the seat and the work, and the one that left cannot start again', async () => {
  const ledger = join(mesh.dir, 'leave-ledger')
  // Longer than a drain waits: it must be handed over, not waited for. The second run ends at once.
  const script = 'echo "$NIMBUS_WORKER" >>"$LEDGER"; [ "$(wc -l <"$LEDGER")" -gt 1 ] || sleep 600'
  const id = await publish(admin, { argv: ['sh', '-c', script], env: { LEDGER: ledger }, skills: ['carry'] })
  await running(admin, id)
  const fourth = await join2('fourth', 'member', ['--skill', 'carry'])
  await mesh.settled()
  const startedAtMs = Date.now()
  expect((await runCli(['leave'], { dataDir: box.dataDir, timeoutMs: 120_000 })).code).toBe(0)
  report('leave with a seat and running work', { ms: Date.now() - startedAtMs })
  await until(() => isGone(box), { what: 'the process to end', timeoutMs: PATIENCE_MS })
  for (const node of [admin, second, fourth]) await memberWhere(node, box.ready.peerId, ({ state }) => state === 'left', 'gone')
  await seated([admin, second, fourth], 3)
  expect((await admin.mesh()).group.seats).not.toContain(box.ready.peerId)
  const task = await ended(admin, id)
  expect([task.state, outcomes(task)]).toEqual(['succeeded', ['lost', 'succeeded']])
  expect(task.attempts.map(({ worker: peer }) => peer)).toEqual([box.ready.peerId, fourth.ready.peerId])
  const again = await runCli(['up', '--data', box.dataDir, '--http', '127.0.0.1:0'], { timeoutMs: PATIENCE_MS })
  expect([again.code, again.stderr]).toEqual([4, expect.stringContaining('has left its mesh')])
})

test('a removed member is cut off at once and does not come back', async () => {
  const outcast = await join2('outcast')
  await mesh.settled()
  expect((await second.cli('worker', 'rm', 'outcast')).code).toBe(4)
  expect((await admin.cli('worker', 'rm', 'outcast')).code).toBe(0)
  for (const node of [admin, second]) {
    await until(async () => !(await node.mesh()).members.some(({ peerId, state }) => peerId === outcast.ready.peerId && state !== 'left'), {
      what: 'the outcast to be gone',
      timeoutMs: PATIENCE_MS,
    })
  }
  const task = await publish(admin, { argv: ['true'], worker: outcast.ready.peerId })
  await outcast.kill()
  const back = await runCli(['up', '--data', outcast.dataDir, '--http', '127.0.0.1:0', '--listen', '/ip4/127.0.0.1/tcp/0'], {
    timeoutMs: PATIENCE_MS,
  })
  expect([back.code, back.stderr]).toEqual([4, expect.stringContaining('removed')])
  expect((await admin.task(task)).attempts).toEqual([])
})

test('stop from another node: the process drains and ends with 0', async () => {
  expect((await admin.cli('worker', 'stop', 'box-2')).code).toBe(0)
  await until(() => isGone(second), { what: 'box-2 to stop', timeoutMs: PATIENCE_MS })
  expect(second.child.exitCode).toBe(0)
  await expect(access(join(second.dataDir, 'node.json'))).rejects.toMatchObject({ code: 'ENOENT' })
})
