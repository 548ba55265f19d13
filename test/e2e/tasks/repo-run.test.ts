// `task run --repo`: a real repository over git's own HTTP backend is cloned with progress and its tests run; what is missing
// is named.
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventView, TaskView } from '../../../protocols/http/views.ts'
import { createGitServer, type GitRepo, type GitServer } from '../../support/git-http.ts'
import { createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { ended, PATIENCE_MS, publish, report } from '../promises/promise-mesh.ts'

const git = requirement('git')
const MANIFEST = { name: 'tiny', version: '1.0.0', private: true, scripts: { test: 'node --test' } }
const TEST = `
const { test } = require('node:test')
const { strictEqual } = require('node:assert')
test('two and two', () => strictEqual(2 + 2, require('./sum.js')(2, 2)))
`

describe.skipIf(!git.present)(git.title('tasks in a repository'), () => {
  let server: GitServer
  let repo: GitRepo
  let mesh: RealMesh
  let here: RealNode

  beforeAll(async () => {
    server = await createGitServer()
    repo = server.repo('tiny', {
      'package.json': JSON.stringify(MANIFEST),
      'sum.js': 'module.exports = (a, b) => a + b\n',
      'sum.test.js': TEST,
      'large.bin': randomBytes(6_000_000),
    })
    mesh = await createRealMesh()
    here = await mesh.add('here')
    await mesh.add('there')
    await mesh.settled()
  })
  afterAll(async () => {
    await mesh?.close()
    await server?.close()
  })

  test('npm test of a cloned repository passes, and every node is told how the clone goes on', async () => {
    const events = await follow(here)
    const startedAtMs = Date.now()
    const done = await here.cli('task', 'run', '--worker', 'there', '--repo', repo.url, '--', 'npm', 'test')
    report('task run --repo of a tiny package, 6 MB', { 'whole command ms': Date.now() - startedAtMs })
    expect([done.code, done.stderr.replace(/^nimbus: cloning.*$/gm, '').trim()]).toEqual([0, ''])
    expect(done.stdout).toMatch(/pass 1\b/)
    const phases = (): string[] =>
      events.seen.flatMap(({ type, data }) => (type === 'task.updated' ? ((data as TaskView).progress?.phase ?? []) : []))
    await until(() => phases().includes('cloning'), { what: 'an event that tells of the clone', timeoutMs: PATIENCE_MS })
    events.stop()
  })

  for (const worker of ['here', 'there']) {
    test(`output that follows a clone on ${worker} is read while the command runs`, async () => {
      const id = await publish(here, { argv: ['sh', '-c', 'echo early; sleep 30'], repo: repo.url, worker })
      const log = await fetch(`${here.ready.http}/api/tasks/${id}/log?follow=true`, { headers: { authorization: `Bearer ${here.token}` } })
      const first = await log.body?.getReader().read()
      expect(Buffer.from(first?.value ?? []).toString()).toBe('early\n')
      expect((await here.task(id)).state).toBe('running')
      await here.cli('task', 'cancel', id)
    })
  }

  test('a failing test fails the task with the exit code of npm', async () => {
    repo.git('checkout', '-q', '-b', 'broken')
    repo.commit('break it', { 'sum.js': 'module.exports = (a, b) => a - b\n' })
    const done = await here.cli('task', 'run', '--worker', 'there', '--repo', repo.url, '--ref', 'broken', '--', 'npm', 'test')
    expect(done.code).toBe(1)
    expect(done.stdout).toMatch(/fail 1\b/)
  })

  test('a branch that does not exist is named, and nothing runs', async () => {
    const done = await here.cli('task', 'run', '--repo', repo.url, '--ref', 'no-such-branch', '--', 'npm', 'test')
    expect([done.code, done.stdout]).toEqual([125, ''])
    expect(done.stderr).toContain('no-such-branch')
  })

  test('a repository that does not exist is named, and nothing runs', async () => {
    const url = `${server.url}/nothing-here.git`
    const done = await here.cli('task', 'run', '--repo', url, '--', 'npm', 'test')
    expect([done.code, done.stdout]).toEqual([125, ''])
    expect(done.stderr).toContain('There is no repository /nothing-here.git')
    expect(done.stderr).not.toContain('..')
  })

  test('a repository behind a password is told as such', async () => {
    const url = repo.url.replace('/tiny.git', '/private/tiny.git')
    const task = await ended(here, await publish(here, { argv: ['npm', 'test'], repo: url }))
    expect(task.state).toBe('failed')
    expect(task.result?.error).toMatch(/credentials|password|sign|401/i)
  })

  test('each run has a fresh copy of the repository', async () => {
    const script = 'ls; [ ! -e made ] && touch made'
    for (let count = 0; count < 2; count++) {
      const done = await here.cli('task', 'run', '--worker', 'there', '--repo', repo.url, '--', 'sh', '-c', script)
      expect([done.code, done.stdout.split('\n').includes('package.json')]).toEqual([0, true])
    }
  })
})

/** Server-sent events of a node, as they come. */
async function follow(node: RealNode): Promise<{ seen: EventView[]; stop(): void }> {
  const abort = new AbortController()
  const response = await fetch(`${node.ready.http}/api/events?types=task.updated`, {
    headers: { accept: 'text/event-stream', authorization: `Bearer ${node.token}` },
    signal: abort.signal,
  })
  expect(response.status).toBe(200)
  const seen: EventView[] = []
  const read = async (): Promise<void> => {
    let text = ''
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      const lines = (text + Buffer.from(piece).toString()).split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data:')) seen.push(JSON.parse(line.slice(5)) as EventView)
    }
  }
  read().catch(() => {}) // The stream ends with the test or with the node; what is missing in `seen` is told there.
  return { seen, stop: () => abort.abort() }
}
