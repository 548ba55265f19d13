// A build that a worker lacks the tool for goes on where the tool is: no attempt is used up, and while nobody has it `task why` says who lacks what.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TaskView, WorkerView } from '../../../protocols/http/views.ts'
import type { GitServer } from '../../support/git-http.ts'
import { createGitServer } from '../../support/git-http.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'

const bwrap = requirement('bwrap')
const LISTEN = { http: '127.0.0.1:0', listen: '/ip4/127.0.0.1/tcp/0' }

describe.skipIf(!bwrap.present)(bwrap.title('builds that need what a worker lacks'), () => {
  let mesh: RealMesh
  let server: GitServer
  let bare: RealNode
  let rich: RealNode
  let tools: string
  beforeAll(async () => {
    server = await createGitServer()
    tools = mkdtempSync(join(tmpdir(), 'nimbus-tools-'))
    mesh = await createRealMesh()
    // Their tools are stand-ins that tell a version and do one thing: which worker has what is the subject, not what they do.
    bare = await mesh.add('bare', [], { run: ['env', `PATH=${place('bare', { zig: '0.11.0' })}`], ...LISTEN })
    rich = await mesh.add('rich', [], { run: ['env', `PATH=${place('rich', { zig: '0.13.0', just: '1.30.0' })}`], ...LISTEN })
    await mesh.settled()
  }, 120_000)
  afterAll(async () => {
    await mesh?.close()
    await server?.close()
    if (tools !== undefined) rmSync(tools, { recursive: true, force: true })
  })

  /** The PATH of a worker: the system's programs without any tool chain, and these. */
  const place = (name: string, versions: Record<string, string>): string => {
    const dir = join(tools, name)
    const system = join(tools, `${name}-system`)
    mkdirSync(dir)
    mkdirSync(system)
    for (const program of readdirSync('/usr/bin'))
      if (/^(sh|bash|env|cat|echo|mkdir|cp|rm|test|bwrap|git|uname|true|false)$/.test(program))
        symlinkSync(`/usr/bin/${program}`, join(system, program))
    for (const [tool, version] of Object.entries(versions))
      writeFileSync(
        join(dir, tool),
        `#!/bin/sh\ncase "$1" in version|--version) echo ${version};; *) mkdir -p zig-out/bin; echo ${version} > zig-out/bin/tool;; esac\n`,
        {
          mode: 0o755,
        },
      )
    return `${dir}:${system}`
  }
  const publish = async (repo: string, ...more: string[]): Promise<string> => {
    const { stdout } = await bare.cli('task', 'publish', '--kind', 'build', '--repo', repo, '--timeout', '2m', '--json', ...more)
    return (JSON.parse(stdout) as { id: string }).id
  }
  const ended = (id: string): Promise<TaskView> =>
    until(
      async () => {
        const task = await bare.task(id)
        return task.result === undefined ? undefined : task
      },
      { what: `the end of ${id}`, timeoutMs: 90_000 },
    )

  test('the version that the repository asks for is on the other worker: it builds there', { timeout: 120_000 }, async () => {
    const repo = server.repo('zig', { 'nimbus.yaml': 'build: [zig, build]\nartifacts: ["zig-out/**"]\ntools:\n  zig: ">=0.12"\n' })
    // The one without it has to try first.
    await rich.cli('worker', 'drain', 'rich')
    const id = await publish(repo.url)
    // Once its version is known, that it drains is all that stands between the build and the other worker.
    await until(async () => (await bare.task(id)).waiting?.code === 'draining', {
      what: 'the other worker as the nearest',
      timeoutMs: 60_000,
    })
    await rich.cli('worker', 'resume', 'rich')
    const task = await ended(id)
    expect(task.state).toBe('succeeded')
    expect(task.attempts.map(({ workerName, outcome }) => [workerName, outcome])).toEqual([
      ['bare', 'lost'],
      ['rich', 'succeeded'],
    ])
    expect(task.attempts[0]?.error).toBe('It goes on elsewhere: this machine has zig 0.11.0, not >=0.12 (nimbus.yaml)')
    expect(task.spec['attempts']).toBe(1)
    const { body } = await bare.api<{ items: WorkerView[] }>('/api/workers')
    const told = Object.fromEntries(body.items.map(({ name, tools: has }) => [name, has?.['zig']]))
    expect(told).toEqual({ bare: '0.11.0', rich: '0.13.0' })
  })

  test('memory that runs out although the tools are there: each worker is tried once, then it has failed', {
    timeout: 120_000,
  }, async () => {
    const repo = server.repo('large', { 'nimbus.yaml': 'build: a=xxxxxxxx; while true; do a=$a$a; done\n' })
    const task = await ended(await publish(repo.url, '--memory', '256'))
    expect({ state: task.state, failure: task.result?.build?.failure }).toEqual({ state: 'failed', failure: 'out-of-memory' })
    expect(task.attempts.map(({ outcome }) => outcome)).toEqual(['lost', 'failed'])
    expect(new Set(task.attempts.map(({ worker }) => worker)).size).toBe(2)
  })

  test('nobody has it: task why names each worker with what it lacks, and a worker that comes with it takes the build', {
    timeout: 120_000,
  }, async () => {
    const repo = server.repo('zig-new', { 'nimbus.yaml': 'build: [zig, build]\ntools:\n  zig: ">=0.14"\n' })
    const id = await publish(repo.url)
    await until(async () => (await bare.task(id)).waiting?.message.includes('rich: it has zig 0.13.0') === true, {
      what: 'a reason that names both workers',
      timeoutMs: 60_000,
    })
    const { stdout } = await bare.cli('task', 'why', id)
    expect(stdout).toContain('bare: it has zig 0.11.0, not >=0.14')
    expect(stdout).toContain('rich: it has zig 0.13.0, not >=0.14')
    expect(stdout).toContain('install zig >=0.14 on a worker (nimbus.yaml asks for it)')
    const late = await mesh.add('late', [], { run: ['env', `PATH=${place('late', { zig: '0.14.1' })}`], ...LISTEN })
    const task = await ended(id)
    expect({ state: task.state, by: task.attempts.at(-1)?.worker }).toEqual({ state: 'succeeded', by: late.ready.peerId })
    expect(task.attempts.filter(({ outcome }) => outcome !== 'lost')).toHaveLength(1)
  })
})
