import { afterEach, describe, expect, test, vi } from 'vitest'
import { ApiError } from '../../../web/src/transport/api-error.ts'
import { type RenderedPage, renderPage } from '../render-page.tsx'
import { againCommand } from '../../../web/src/models/task-facts.ts'
import { aMesh, aMessage, aSchedule, aTask, aWorker, peerIdOf } from '../fixtures.ts'

/** The page paints once a frame; the clock of ages ticks once a second. */
const SOON = { timeout: 4_000 }
let page: RenderedPage | undefined
afterEach(() => page?.close())

describe('signing in', () => {
  test('a visitor learns the command, and the page opens by itself once signed in', async () => {
    page = await renderPage('/', (transport) => (transport.state.session = { signedIn: false, auth: 'token' }))
    await expect.poll(page.text, SOON).toContain('nimbus open')
    page.transport.state.session = { signedIn: true, auth: 'token' }
    await expect.poll(page.text, SOON).toContain('need you')
  })

  test('without authentication no sign-in is asked for', async () => {
    page = await renderPage('/', (transport) => (transport.state.session = { signedIn: false, auth: 'none' }))
    await expect.poll(page.text, SOON).toContain('Needs you')
  })
})

describe('the overview', () => {
  test('says what needs me, what runs and through which node I look', async () => {
    page = await renderPage('/')
    await expect.poll(page.text, SOON).toContain('4 things need you. 2 tasks run, 1 waits.')
    await expect.poll(page.text, SOON).toContain('cloning nimbus-mesh, 62%')
    expect(page.text()).toContain('Live through alder')
    expect(page.text()).toContain('No worker that is online has the skill gpu.')
  })

  test('a mesh without tasks teaches the next command', async () => {
    page = await renderPage('/', (transport) => {
      transport.state.tasks = []
      transport.state.mesh = aMesh({ tasks: aMesh().tasks, members: [aWorker('alder', { self: true })] })
      for (const state of Object.keys(transport.state.mesh.tasks)) transport.state.mesh.tasks[state as 'ready'] = 0
    })
    await expect.poll(page.text, SOON).toContain('nimbus task run -- echo hello from the mesh')
  })

  test('a stream that is lost is said, with the time of what is shown', async () => {
    page = await renderPage('/')
    await expect.poll(page.text, SOON).toContain('Live through alder')
    page.transport.listener().state({ kind: 'reconnecting', since: Date.now() - 12_000, retryAt: Date.now() + 4_000, reason: 'gone' })
    await expect.poll(page.text, SOON).toMatch(/Not live for 1\d s\./)
  })
})

describe('tasks', () => {
  test('the filter of the address is asked of the node', async () => {
    page = await renderPage('/tasks?state=failed&q=cargo')
    await expect.poll(page.text, SOON).toContain('cargo test --workspace')
    await expect.poll(() => page?.transport.calls, SOON).toContain('tasks {"limit":200,"state":"failed","q":"cargo"}')
    expect(page.root.querySelectorAll('tbody tr')).toHaveLength(1)
  })

  test('a task shows what it came after, the files that it left and what it cost', async () => {
    const first = aTask(90, 'succeeded', { name: 'fetch the data' })
    const task = aTask(91, 'succeeded', { name: 'report' })
    Object.assign(task.spec, { after: [first.id], concurrency: [{ key: 'db', limit: 2 }], resources: { cpus: 2 }, budgetUsd: 3 })
    task.result = {
      endedAt: Date.now(),
      exitCode: 0,
      costUsd: 1.5,
      artifacts: [{ path: 'out/report.html', hash: 'b'.repeat(64), size: 12_400 }],
    }
    expect(againCommand(task)).toContain(`--cpus 2 --budget 3 --after ${first.id} --concurrency db=2 -- npm`)
    page = await renderPage(`/tasks/${task.id}`, (transport) => transport.state.tasks.push(first, task))
    await expect.poll(page.text, SOON).toContain('fetch the data')
    expect(page.text()).toContain('1 of 1 ended')
    expect(page.text()).toContain('$1.50')
    expect(page.text()).toContain('db: 2 at a time')
    expect(page.text()).toContain('2 cores')
    const file = page.root.querySelector<HTMLAnchorElement>('a[download]')
    expect({ href: file?.getAttribute('href'), text: file?.textContent }).toEqual({
      href: `/api/artifacts/${'b'.repeat(64)}`,
      text: 'out/report.html',
    })
    expect(page.text()).toContain('12 kB')
  })

  test('a waiting task says why, and what to do', async () => {
    page = await renderPage(`/tasks/${aTask(2, 'ready').id}`)
    await expect.poll(page.text, SOON).toContain('No worker that is online has the skill gpu.')
    await expect.poll(page.text, SOON).toContain('Start one with nimbus up --skill gpu')
  })

  test('a lost worker uses up no attempt', async () => {
    page = await renderPage(`/tasks/${aTask(4, 'dead').id}`)
    await expect.poll(page.text, SOON).toContain('3 of 3, and 1 lost with a worker')
    await expect.poll(page.text, SOON).toContain('worker lost, not counted')
  })

  test('output is inert text, with its streams told apart', async () => {
    page = await renderPage(`/tasks/${aTask(1, 'running').id}`)
    await expect.poll(page.text, SOON).toContain('warning: retry 17 took longer than expected <b>not bold</b> · evil')
    expect(page.root.querySelector('.lines b')).toBeNull()
    expect(page.root.querySelectorAll('.line-stderr')).toHaveLength(2)
  })

  test('the newest attempt is read, or the one that is chosen', async () => {
    const { id } = aTask(4, 'dead')
    page = await renderPage(`/tasks/${id}`)
    await vi.waitFor(() => expect(page?.transport.calls).toContain(`log ${id} attempt 4 from 0`))
    const choice = page.root.querySelector<HTMLSelectElement>('.output select')
    if (choice === null) throw new Error('no attempt can be chosen')
    choice.value = '2'
    choice.dispatchEvent(new Event('change', { bubbles: true }))
    await vi.waitFor(() => expect(page?.transport.calls).toContain(`log ${id} attempt 2 from 0`))
  })

  test('cancel asks first, then cancels', async () => {
    const { id } = aTask(1, 'running')
    page = await renderPage(`/tasks/${id}`)
    await expect.poll(page.text, SOON).toContain('Copy as command')
    page.button('Cancel').click()
    await expect.poll(page.text, SOON).toContain('Cancel this task?')
    expect(page.transport.calls).not.toContain(`cancel ${id}`)
    page.button('Cancel task').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain(`cancel ${id}`))
    await expect.poll(page.text, SOON).toContain('Cancel asked for')
  })

  test('an unknown task is said plainly', async () => {
    page = await renderPage('/tasks/nothing')
    await expect.poll(page.text, SOON).toContain('No task has the ID nothing.')
    expect(page.text()).toContain('nimbus task ls')
  })
})

describe('publishing', () => {
  test('n opens the form, the words are shown as they will run, and the request is what was typed', async () => {
    page = await renderPage('/')
    await expect.poll(page.text, SOON).toContain('Publish task')
    await vi.waitFor(() => {
      document.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true }))
      expect(page?.text()).toContain('Publish a task')
    })
    page.type('Command', `echo "two words"`)
    await vi.waitFor(() =>
      expect([...(page?.root.querySelectorAll('.words li') ?? [])].map((word) => word.textContent)).toEqual(['echo', 'two words']),
    )
    page.button('Publish').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain('publish {"argv":["echo","two words"],"priority":5,"attempts":1}'))
  })

  test('a refusal of the node stands beside its field', async () => {
    page = await renderPage('/')
    await expect.poll(page.text, SOON).toContain('Publish task')
    page.models.dashboard.dialog.value = 'publish'
    await expect.poll(page.text, SOON).toContain('Publish a task')
    page.type('Command', 'true')
    page.type('Time limit', 'soon')
    page.transport.state.refuse = new ApiError({
      code: 'invalid',
      detail: 'Not valid.',
      status: 400,
      errors: [{ path: 'timeout', message: 'a duration such as 30s' }],
    })
    await vi.waitFor(() => expect(page?.field('Time limit').value).toBe('soon'))
    page.button('Publish').click()
    await expect.poll(page.text, SOON).toContain('a duration such as 30s')
    expect(page.field('Time limit').getAttribute('aria-invalid')).toBe('true')
  })
})

describe('mesh and workers', () => {
  test('a minority is said with both sides', async () => {
    page = await renderPage('/mesh')
    await expect.poll(page.text, SOON).toContain('3 of 3')
    const mesh = aMesh()
    page.transport.emit('mesh.updated', {
      ...mesh,
      members: mesh.members.map((member) => (member.self ? member : { ...member, state: 'dead' as const })),
      group: { ...mesh.group, reachable: 1 },
    })
    await expect.poll(page.text, SOON).toContain('This side cannot decide: 1 of 3 keepers answer, 2 are needed.')
    expect(page.text()).toContain('On this side: alder. Not reached: birch, cedar, dogwood, elm.')
  })

  test('an invite shows the exact line to type, and when it ends', async () => {
    page = await renderPage('/mesh')
    await expect.poll(page.text, SOON).toContain('Members')
    page.button('Invite a machine').click()
    await expect.poll(page.text, SOON).toContain('Make invite')
    page.button('Make invite').click()
    await expect.poll(page.text, SOON).toContain('npx nimbus up --join nimbus1-invite')
    expect(page.transport.calls).toContain('invite {"role":"member","uses":1,"expires":"15m"}')
  })

  test('draining a worker asks first, then names it by its peer ID', async () => {
    page = await renderPage(`/workers/${peerIdOf('birch')}`)
    await expect.poll(page.text, SOON).toContain('5210 MB')
    page.button('Drain').click()
    await expect.poll(page.text, SOON).toContain('Drain birch?')
    page.button('Drain worker').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain(`drain ${peerIdOf('birch')}`))
  })

  test('an offline worker shows since when, and its actions are off', async () => {
    page = await renderPage(`/workers/${peerIdOf('elm')}`)
    await expect.poll(page.text, SOON).toContain('Offline, last seen 6 min ago')
    expect(page.button('Stop').disabled).toBe(true)
  })
})

describe('schedules', () => {
  test('a mesh without one teaches the command', async () => {
    page = await renderPage('/schedules')
    await expect.poll(page.text, SOON).toContain('nimbus schedule add nightly')
  })

  test('each says when it ticks next, how the last one went, and can be paused', async () => {
    page = await renderPage('/schedules', (transport) =>
      transport.state.schedules.push(aSchedule('nightly'), aSchedule('old', { state: 'over' })),
    )
    await expect.poll(page.text, SOON).toContain('1 of 2 active')
    expect(page.text()).toContain('0 3 * * * (Europe/Berlin)')
    expect(page.text()).toContain('npm run nightly')
    const [pause] = [...page.root.querySelectorAll('button')].filter((button) => button.textContent === 'Pause')
    pause?.click()
    await expect.poll(() => page?.transport.calls, SOON).toContain('pause schedule nightly')
  })
})

describe('messages', () => {
  test('what waits is shown inert, and is gone once marked as read', async () => {
    const evil = 'deploy of \u001b[31mred\u001b[0m <b>done</b>'
    page = await renderPage('/messages', (transport) => transport.state.messages.push(aMessage(1, evil), aMessage(2, { step: 3 })))
    await expect.poll(page.text, SOON).toContain('<b>done</b>')
    expect(page.text()).not.toContain('\u001b')
    expect(page.text()).toContain('"step": 3')
    const [mark] = [...page.root.querySelectorAll('button')].filter((button) => button.textContent === 'Mark as read')
    mark?.click()
    await expect.poll(page.text, SOON).not.toContain('<b>done</b>')
    expect(page.transport.calls).toContain('read m1')
  })
})
