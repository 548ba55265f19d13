// A task runs only where its needs are met, and says why it waits where nobody meets them.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { ended, publish, taskWhere, type Wish } from '../promises/promise-mesh.ts'

let mesh: RealMesh
let plain: RealNode
let rich: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  plain = await mesh.add('plain')
  rich = await mesh.add('rich', [
    '--skill',
    'gpu',
    '--skill',
    'rust',
    '--role',
    'builder',
    '--pool',
    'blue',
    '--label',
    'zone=eu',
    '--accept',
    'publisher=plain',
  ])
  await mesh.settled()
})
afterAll(() => mesh?.close())

const MET: [string, Partial<Wish>][] = [
  ['a skill', { skills: ['gpu'] }],
  ['two skills', { skills: ['gpu', 'rust'] }],
  ['a role', { roles: ['builder'] }],
  ['a pool', { pool: 'blue' }],
  ['a label', { labels: { zone: 'eu' } }],
  ['a worker by name', { worker: 'rich' }],
]

test.each(MET)('a task that asks for %s runs on the worker that has it', async (_what, wish) => {
  const ids = await Promise.all([1, 2, 3].map(() => publish(plain, { argv: ['true'], ...wish })))
  for (const id of ids) expect((await ended(plain, id)).attempts.map(({ workerName }) => workerName)).toEqual(['rich'])
})

test('a worker is named by its peer ID as well', async () => {
  const id = await publish(plain, { argv: ['true'], worker: rich.ready.peerId })
  expect((await ended(plain, id)).attempts[0]?.worker).toBe(rich.ready.peerId)
})

const UNMET: [string, Partial<Wish>, string, RegExp][] = [
  ['a skill that nobody has', { skills: ['cobol'] }, 'skill', /no skill cobol/],
  ['a role that nobody has', { roles: ['chief'] }, 'role', /no role chief/],
  ['a pool without workers', { pool: 'red' }, 'pool', /not in pool red/],
  ['another value of a label', { labels: { zone: 'us' } }, 'label', /no label zone=us/],
  ['a worker that is unknown', { worker: 'nobody' }, 'other-worker', /names worker nobody/],
]

test.each(UNMET)('a task that asks for %s waits and says so', async (_what, wish, code, message) => {
  const id = await publish(plain, { argv: ['true'], ...wish })
  for (const node of mesh.nodes) {
    const task = await taskWhere(node, id, ({ waiting }) => waiting?.code === code, `waiting because of ${code}`)
    expect([task.state, task.attempts]).toEqual(['ready', []])
    expect(task.waiting?.message).toMatch(message)
  }
  const why = await plain.cli('task', 'why', id)
  expect(why.code).toBe(0)
  expect(why.stdout).toMatch(message)
  expect(JSON.parse((await rich.cli('task', 'why', id, '--json')).stdout)).toMatchObject({
    id,
    waiting: { code, cure: expect.stringMatching(/\S/) },
  })
})

test('a worker that accepts only some publishers refuses the others, and the task says so', async () => {
  const id = await publish(rich, { argv: ['true'], skills: ['gpu'] })
  const task = await taskWhere(plain, id, ({ waiting }) => waiting?.code === 'accept', 'waiting for a worker that accepts it')
  expect(task.waiting?.message).toContain('--accept publisher')
})

test('a task that waited for a skill runs as soon as a worker with it joins', async () => {
  const id = await publish(plain, { argv: ['true'], skills: ['late'] })
  await taskWhere(plain, id, ({ waiting }) => waiting?.code === 'skill', 'waiting')
  await mesh.add('late', ['--skill', 'late'])
  expect((await ended(plain, id)).attempts.map(({ workerName }) => workerName)).toEqual(['late'])
})
