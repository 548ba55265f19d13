// P5, P11, P13: what a minority may do, and how it gets out of it. An idempotent task runs without a majority and is settled when
// one is back; an admin lets the group go on when none will come back, and only then.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { GroupView } from '../../../protocols/http/groups.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { ended, meshOf, PATIENCE_MS, publish, report, seated, taskWhere } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let admin: RealNode
let others: RealNode[]
beforeAll(async () => {
  mesh = await meshOf(3, ['--slots', '2'])
  ;[admin, ...others] = mesh.nodes as [RealNode, ...RealNode[]]
})
afterAll(() => mesh?.close())

const group = async (node: RealNode): Promise<GroupView> => (await node.api<GroupView>('/api/groups/default')).body
const recover = (node: RealNode, body: object) =>
  node.api<{ code: string; detail: string; cure: string }>('/api/groups/default/recover', { body })

/** SIGKILL, and the one that is left has noticed. */
async function lose(lost: readonly RealNode[]): Promise<void> {
  await Promise.all(lost.map((node) => node.kill()))
  await until(async () => (await group(admin)).seats.filter(({ state }) => state === 'dead').length === lost.length, {
    what: `${lost.length} keepers to be dead`,
    timeoutMs: PATIENCE_MS,
  })
}

test('a group with its majority is shown as such, and not recovered, by nobody', async () => {
  const all = await admin.cli('group', 'ls')
  expect([all.code, all.stdout]).toEqual([0, expect.stringMatching(/^default +\d+ +3 of 3 +2 +0 +n\d n\d n\d$/m)])
  const view = await group(admin)
  expect(view).toMatchObject({ name: 'default', reachable: 3, majority: 2, recoveries: [] })
  expect(view.seats.map(({ name }) => name).toSorted()).toEqual(['n1', 'n2', 'n3'])
  for (const seat of view.seats) expect(seat).toMatchObject({ state: 'alive', awaySince: null })

  const refused = await admin.cli('group', 'recover', '--yes')
  expect(refused.code).toBe(4)
  expect(refused.stderr).toContain('3 of its 3 keepers')
  expect(await recover(admin, { yes: true })).toMatchObject({ status: 409, body: { code: 'group-has-majority' } })
  for (const node of others) expect(await recover(node, { yes: true })).toMatchObject({ status: 403, body: { code: 'not-an-admin' } })
  for (const args of [['show'], ['recover', '--yes']]) {
    const [verb = '', ...flags] = args
    expect((await admin.cli('group', verb, 'elsewhere', ...flags)).code).toBe(3)
  }
  expect(await admin.api('/api/groups/elsewhere')).toMatchObject({ status: 404, body: { code: 'group-unknown' } })
  expect((await group(admin)).version).toBe(view.version)
})

test('an available task runs in a minority, provisionally, and is settled once when a majority is back', async () => {
  await lose(others)
  const away = await group(admin)
  expect(away.reachable).toBe(1)
  for (const seat of away.seats) expect(seat.awaySince === null).toBe(seat.state === 'alive')
  const shown = await admin.cli('group', 'show')
  expect(shown.stdout).toMatch(/^n2 +dead +\d{4}-.*ago/m)
  expect(shown.stdout).toContain('new work waits')

  const idempotent = await publish(admin, { argv: ['sh', '-c', 'echo done'], claim: 'available' })
  const exclusive = await publish(admin, { argv: ['true'] })
  const provisional = await taskWhere(admin, idempotent, ({ state }) => state === 'succeeded', 'run without a majority')
  expect(provisional).toMatchObject({ provisional: true, result: { exitCode: 0 } })
  const waits = await taskWhere(admin, exclusive, ({ waiting }) => waiting?.code === 'minority', 'waiting for a majority')
  expect([waits.state, waits.attempts]).toEqual(['ready', []])

  await Promise.all(others.map((node) => node.restart()))
  const settled = await ended(admin, idempotent)
  expect(settled).toMatchObject({ state: 'succeeded', result: { exitCode: 0 } })
  expect((await ended(admin, exclusive)).state).toBe('succeeded')
  for (const node of others) {
    const there = await ended(node, idempotent)
    expect([there.state, there.provisional, there.result]).toEqual(['succeeded', undefined, settled.result])
  }
})

test('an admin who says yes lets the group go on without keepers that are gone for good', async () => {
  await seated(mesh.nodes, 3)
  await lose(others)
  const before = await group(admin)
  const stuck = await publish(admin, { argv: ['true'] })
  await taskWhere(admin, stuck, ({ waiting }) => waiting?.code === 'minority', 'waiting for a majority')

  const refused = await admin.cli('group', 'recover')
  expect(refused.code).toBe(4)
  for (const words of ['n2', 'n3', 'goes on with n1', 'forgotten or run again', 'start it instead', '--yes'])
    expect(refused.stderr).toContain(words)
  expect(await recover(admin, { yes: true, seats: ['n2'] })).toMatchObject({ status: 403, body: { code: 'seat-not-able' } })
  expect(await recover(admin, { yes: true, seats: ['nobody'] })).toMatchObject({ status: 404, body: { code: 'worker-unknown' } })
  expect(await group(admin)).toMatchObject({ version: before.version, recoveries: [] })

  const startMs = Date.now()
  const done = await admin.cli('group', 'recover', '--yes', '--reason', 'both machines burnt')
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('goes on with n1')])
  expect(done.stderr).toContain('Given up: ')
  expect((await ended(admin, stuck)).state).toBe('succeeded')
  expect((await admin.cli('task', 'run', '--', 'true')).code).toBe(0)
  report('group recover', { 'ms from --yes to the first exclusive tasks done': Date.now() - startMs })

  const after = await group(admin)
  expect(after).toMatchObject({ reachable: 1, majority: 1, seats: [{ name: 'n1', state: 'alive' }] })
  expect(after.version).toBeGreaterThan(before.version)
  const [recovery, ...more] = after.recoveries
  expect(more).toEqual([])
  expect(recovery).toMatchObject({
    by: 'operator',
    workerName: 'n1',
    worker: admin.ready.peerId,
    seats: ['n1'],
    reason: 'both machines burnt',
  })
  expect(recovery?.lost.toSorted()).toEqual(['n2', 'n3'])
  expect((await admin.cli('group', 'show')).stdout).toMatch(/^\d{4}-\S+ +operator at n1 +\d+ +n1 +n[23] n[23] +both machines burnt$/m)
  expect(await readFile(join(admin.dataDir, 'node.log'), 'utf8')).toContain('goes on without its majority')
  expect(await recover(admin, { yes: true })).toMatchObject({ status: 409, body: { code: 'group-has-majority' } })

  // They were only switched off: they learn of it, vote no more for what was before, and take seats again.
  await Promise.all(others.map((node) => node.restart()))
  await seated(mesh.nodes, 3)
  for (const node of others) expect((await group(node)).recoveries).toEqual(after.recoveries)
  expect((await ended(others[0] ?? admin, await publish(others[1] ?? admin, { argv: ['true'] }))).state).toBe('succeeded')
})
