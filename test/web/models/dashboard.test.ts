import { describe, expect, test, vi } from 'vitest'
import { createDashboard } from '../../../web/src/models/dashboard.ts'
import { draftFrom, EMPTY_FIELDS, fieldErrors } from '../../../web/src/models/publish-form.ts'
import { TASKS_MAX, createTaskStore } from '../../../web/src/models/task-store.ts'
import { needsOf } from '../../../web/src/models/needs.ts'
import { createFakeTransport } from '../fake-transport.ts'
import { aMesh, aTask } from '../fixtures.ts'

describe('the dashboard models', () => {
  test('an event changes the task that it is about, and the activity tells it', async () => {
    const transport = createFakeTransport()
    const dashboard = createDashboard(transport)
    await dashboard.start()
    await vi.waitFor(() => expect(dashboard.tasks.all.value.length).toBeGreaterThan(10))
    const running = transport.state.tasks[0]
    if (running === undefined) throw new Error('the fixture has tasks')
    transport.emit('task.updated', { ...running, state: 'succeeded', updatedAt: Date.now(), result: { exitCode: 0, endedAt: Date.now() } })
    await vi.waitFor(() => expect(dashboard.tasks.get(running.id)?.value.state).toBe('succeeded'))
    expect(dashboard.activity.list.value[0]).toMatchObject({ state: 'succeeded', title: 'build web' })
    dashboard.stop()
  })

  test('a fetched page that is older than what is known changes nothing', () => {
    const store = createTaskStore()
    store.put(aTask(1, 'succeeded', { updatedAt: 2_000 }))
    store.put(aTask(1, 'running', { updatedAt: 1_000 }))
    expect(store.all.value[0]?.state).toBe('succeeded')
  })

  test('a resync fetches everything again', async () => {
    const transport = createFakeTransport()
    const dashboard = createDashboard(transport)
    await dashboard.start()
    await vi.waitFor(() => expect(transport.calls.filter((call) => call === 'mesh')).toHaveLength(1))
    transport.listener().resync()
    await vi.waitFor(() => expect(transport.calls.filter((call) => call === 'mesh')).toHaveLength(2))
    dashboard.stop()
  })

  test('the store keeps to its limit and lets go of ended tasks first', () => {
    const store = createTaskStore()
    store.put(aTask(9_000, 'running'))
    for (let at = 0; at < TASKS_MAX + 50; at++) store.put(aTask(at, 'succeeded'))
    expect(store.all.value.length).toBeLessThanOrEqual(TASKS_MAX)
    expect(store.all.value.some((task) => task.state === 'running')).toBe(true)
  })
})

describe('what needs a person', () => {
  test('a lost majority comes first, a retried failure and an old one do not come at all', () => {
    const failed = aTask(1, 'failed')
    const retry = aTask(0, 'ready')
    retry.spec['retryOf'] = failed.id
    const old = aTask(900, 'failed')
    const mesh = aMesh({ group: { name: 'default', version: 1, seats: ['a', 'b', 'c'], reachable: 1, majority: 2 } })
    const keys = needsOf({ mesh, workers: [], tasks: [failed, retry, old, aTask(2, 'dead')] }, Date.now()).map((need) => need.key)
    expect(keys).toEqual(['majority', aTask(2, 'dead').id])
  })
})

describe('the publish form', () => {
  test('fields become a request, empty ones nothing', () => {
    const { draft, errors } = draftFrom({
      ...EMPTY_FIELDS,
      command: `npm run "a b"`,
      skills: 'gpu, rust',
      labels: 'a=1 b=2',
      env: 'X=1 2\nY=',
      timeout: ' 30s ',
    })
    expect(errors).toEqual({})
    expect(draft).toEqual({
      argv: ['npm', 'run', 'a b'],
      skills: ['gpu', 'rust'],
      labels: { a: '1', b: '2' },
      env: { X: '1 2', Y: '' },
      timeout: '30s',
      priority: 5,
      attempts: 1,
    })
  })

  test('what cannot become a request is said beside its field', () => {
    expect(Object.keys(draftFrom({ ...EMPTY_FIELDS, labels: 'a', env: '=x', attempts: 'two' }).errors).sort()).toEqual([
      'attempts',
      'command',
      'env',
      'labels',
    ])
  })

  test('paths of a problem document find their fields', () => {
    const placed = fieldErrors(
      new Map([
        ['argv.0', 'too long'],
        ['env.1X', 'a variable name'],
        ['timeout', 'a duration'],
        ['', 'odd'],
      ]),
    )
    expect(placed).toEqual({ errors: { command: 'too long', env: '1X: a variable name', timeout: 'a duration' }, rest: ['odd'] })
  })
})
