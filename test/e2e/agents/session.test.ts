// A prompt that is published on one node runs as a session on another, with the real Claude Code and a scripted model: seen live, counted,
// reviewed and taken over.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGitServer, type GitServer } from '../../support/git-http.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { type AgentMesh, bwrap, claude, createAgentMesh, inState, messages, watch } from './agent-mesh.ts'

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('a session')), () => {
  let agents: AgentMesh
  let git: GitServer
  let a: RealNode
  let b: RealNode
  beforeAll(async () => {
    git = await createGitServer()
    agents = await createAgentMesh()
    a = await agents.add('a')
    b = await agents.add('b')
    await agents.mesh.settled()
  })
  afterAll(async () => {
    await agents?.close()
    await git?.close()
  })

  test('edits a repository, runs its tests and commits on another worker; live, with cost, and as a diff', async () => {
    const { model } = agents
    const repo = git.repo('adder', {
      'add.mjs': 'export const add = (a, b) => a - b\n',
      'test.mjs':
        "import assert from 'node:assert'\nimport { add } from './add.mjs'\nassert.equal(add(1, 2), 3)\nconsole.log('tests passed')\n",
    })
    model.script(
      [
        {
          text: 'The sign is wrong.',
          tools: [{ name: 'Bash', input: { command: "sed -i 's/a - b/a + b/' add.mjs", description: 'fix' } }],
          usage: { input: 1_000, output: 50 },
        },
        {
          text: 'Now the tests.',
          tools: [{ name: 'Bash', input: { command: 'node test.mjs', description: 'test' } }],
          usage: { input: 1_200, output: 40 },
        },
        {
          text: 'They pass.',
          tools: [{ name: 'Bash', input: { command: 'git commit -qam "add adds" && git log --oneline | head -1', description: 'commit' } }],
          usage: { input: 1_300, output: 60 },
        },
        { text: 'Fixed, tested and committed.', usage: { input: 1_400, output: 20 } },
      ],
      'fix-the-adder',
    )
    const events = watch(a, 'session.updated,session.output')
    const started = await a.cli('session', 'start', '--json', '--repo', repo.url, '--worker', 'b', '--memory', '0', 'fix-the-adder please')
    expect(started.code, started.stderr).toBe(0)
    const { id } = JSON.parse(started.stdout) as { id: string }
    const end = await inState(a, id, 'done|failed|interrupted')
    events.stop()
    const all = await messages(a, id)
    expect(end, JSON.stringify(all)).toMatchObject({ state: 'done', workerName: 'b', turns: 1, branch: `nimbus/${id}` })

    // What the agent did really happened: the result of its own test run, its own commit.
    const results = all.flatMap(({ event }) => (event.type === 'tool-result' ? [event] : []))
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true])
    expect(results[1]?.['text']).toContain('tests passed')
    expect(results[2]?.['text']).toContain('add adds')
    expect(end.files).toEqual(['add.mjs'])
    expect(end.commit).not.toBe(end.base)

    // Tokens are what the model counted out, cost is what Claude Code itself said at the end of the turn.
    expect(end.tokens).toMatchObject({ input: 4_900, output: 170 })
    const turn = all.find(({ event }) => event.type === 'turn')?.event
    expect(end.costUsd).toBe(turn?.['costUsd'])
    expect(end.costUsd).toBeGreaterThan(0)
    expect((await a.task(id)).result?.costUsd).toBe(end.costUsd)

    // Every line of the session came live to the other node, in order.
    const outputs = events.seen.filter(({ event }) => event.type === 'session.output' && event.id === id)
    expect(outputs.map(({ event }) => (event.data as { at: number }).at)).toEqual(all.map(({ at }) => at))
    const delays = outputs.map(({ event, atMs }) => atMs - (event.data as { event: { time: number } }).event.time).sort((x, y) => x - y)
    process.stdout.write(`live on the other node after ${delays[Math.floor(delays.length / 2)]} ms (median), ${delays.at(-1)} ms (most)\n`)
    const states = events.seen.flatMap(({ event }) =>
      event.type === 'session.updated' && event.id === id ? [(event.data as { state: string }).state] : [],
    )
    expect(states.filter((state, at) => state !== states[at - 1])).toEqual(['starting', 'working', 'idle', 'done'])

    const diff = await a.cli('session', 'diff', id)
    expect(diff.stdout).toContain('+export const add = (a, b) => a + b')
    expect(diff.stdout).not.toContain('test.mjs')

    // Taken over from the other node: pushed to the origin.
    const merged = await a.cli('session', 'merge', '--json', id)
    expect(merged.code, merged.stderr).toBe(0)
    expect(JSON.parse(merged.stdout)).toMatchObject({ merged: true, into: 'main', commit: end.commit })
    repo.git('fetch', '-q', 'origin')
    expect(repo.git('show', 'origin/main:add.mjs')).toContain('a + b')

    // The worker's key was added on the way: nothing in the sandbox had it.
    expect(model.requests.length).toBeGreaterThanOrEqual(4)
    expect(new Set(model.requests.map(({ headers }) => headers['x-api-key']))).toEqual(new Set(['test-key-of-the-worker']))
  })

  test('goes on when more is sent after its end, in the same conversation and tree', async () => {
    const { model } = agents
    const repo = git.repo('notes', { 'notes.txt': 'one\n' })
    model.script(
      [
        { tools: [{ name: 'Bash', input: { command: 'echo two >> notes.txt', description: 'write' } }] },
        { text: 'Two is there.' },
        { tools: [{ name: 'Bash', input: { command: 'echo three >> notes.txt; cat notes.txt', description: 'write' } }] },
        { text: 'Three is there.' },
      ],
      'count-to-two',
    )
    const { stdout } = await b.cli('session', 'start', '--json', '--repo', repo.url, '--worker', 'b', '--memory', '0', 'count-to-two')
    const { id } = JSON.parse(stdout) as { id: string }
    await inState(a, id, 'done')
    const sent = await a.cli('session', 'send', '--json', id, 'and', 'three')
    expect(sent.code, sent.stderr).toBe(0)
    const end = await inState(a, id, 'done')
    expect(end.tasks).toHaveLength(2)
    const all = await messages(a, id)
    expect(all.findLast(({ event }) => event.type === 'tool-result')?.event['text']).toContain('one\ntwo\nthree')
    // The second request carries the first conversation.
    expect(JSON.stringify(model.requests.at(-1)?.messages)).toContain('Two is there.')
    expect((await a.cli('session', 'diff', id)).stdout).toContain('+two\n+three')
    expect(end.costUsd).toBeGreaterThan(0)
    expect(end.turns).toBe(2)
    // Somebody else changed the same place meanwhile: the conflict is told, nothing is forced, and what was made is still there.
    const other = repo.commit('another two', { 'notes.txt': 'one\nanother\n' })
    const merge = await a.cli('session', 'merge', '--json', id)
    expect(merge.code).toBe(1)
    expect(JSON.parse(merge.stdout)).toMatchObject({ merged: false, conflicts: ['notes.txt'] })
    repo.git('fetch', '-q', 'origin')
    expect(repo.git('rev-parse', 'origin/main').trim()).toBe(other)
    expect((await a.cli('session', 'diff', id)).stdout).toContain('+three')
  })

  test('finds its tree prepared as nimbus.yaml asks: values and a free port in .env, dependencies; or says why it is not', async () => {
    const { model } = agents
    const wish = 'session:\n  env: { GREETING: hello }\n  ports: [PORT]\n  setup: mkdir deps && cp .env deps/seen\n'
    const repo = git.repo('prepared', { 'nimbus.yaml': wish, 'a.txt': 'a\n' })
    const look = { tools: [{ name: 'Bash', input: { command: 'cat deps/seen; git status --short; echo b > b.txt', description: 'look' } }] }
    model.script([look, { text: 'Seen.' }], 'look-around')
    const start = (...words: string[]) => b.cli('session', 'start', '--json', '--worker', 'b', '--memory', '0', ...words)
    const { id } = JSON.parse((await start('--repo', repo.url, 'look-around')).stdout) as { id: string }
    const end = await inState(a, id, 'done|failed')
    const all = await messages(a, id)
    expect(end, JSON.stringify(all)).toMatchObject({ state: 'done', files: ['b.txt'] })
    expect(all.find(({ event }) => event.type === 'tool-result')?.event['text']).toMatch(/^GREETING=hello\nPORT=\d+$/)

    repo.commit('a command that fails', { 'nimbus.yaml': 'session: { setup: "echo no such registry >&2; exit 3" }\n' })
    const asked = model.requests.length
    const broken = JSON.parse((await start('--repo', repo.url, 'look-again')).stdout) as { id: string }
    expect(await inState(a, broken.id, 'done|failed')).toMatchObject({
      state: 'failed',
      reason: { code: 'setup-failed', message: expect.stringContaining('ended with 3: no such registry') as string },
    })
    expect(model.requests).toHaveLength(asked)
  })
})
