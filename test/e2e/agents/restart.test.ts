// kill -9 of the worker in the middle of a tool call: the session goes on when it is back, in the same conversation, and what was
// finished before is not done again.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGitServer, type GitServer } from '../../support/git-http.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { type AgentMesh, bwrap, claude, createAgentMesh, inState, messages, order, session, start } from './agent-mesh.ts'

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('a worker that dies')), () => {
  let agents: AgentMesh
  let git: GitServer
  let a: RealNode
  let b: RealNode
  beforeAll(async () => {
    git = await createGitServer()
    agents = await createAgentMesh()
    a = await agents.add('a')
    b = await agents.add('b')
    await agents.add('c')
    await agents.mesh.settled()
  })
  afterAll(async () => {
    await agents?.close()
    await git?.close()
  })

  test('comes back and goes on: conversation and files are there, no finished step is repeated, orders meanwhile are done once', async () => {
    const { model } = agents
    const repo = git.repo('steps', { 'steps.txt': '' })
    model.script(
      [
        { text: 'Step one.', tools: [{ name: 'Bash', input: { command: 'echo one >> steps.txt', description: 'one' } }] },
        { text: 'Step two.', tools: [{ name: 'Bash', input: { command: 'echo two >> steps.txt; sleep 120', description: 'two' } }] },
        // Asked again after the restart.
        { text: 'I go on.', tools: [{ name: 'Bash', input: { command: 'echo three >> steps.txt; cat steps.txt', description: 'three' } }] },
        { text: 'All steps are done.' },
        { text: 'And one more word.' },
      ],
      'in-three-steps',
    )
    const { id } = await start(a, { prompt: 'in-three-steps', repo: repo.url, worker: 'b' })
    // The second command has written and sleeps: it is in the middle.
    const steps = join(b.dataDir, 'sessions', id, 'tree', 'steps.txt')
    const isInStepTwo = async (): Promise<boolean> => (await readFile(steps, 'utf8').catch(() => '')).includes('two') // not cloned yet
    await until(isInStepTwo, { what: 'the second step', timeoutMs: 90_000 })
    const before = model.requests.length
    await b.kill()
    // Nothing proves that it works: it is not shown so. What is said to it now is kept.
    const away = await inState(a, id, 'interrupted|starting')
    expect(away.state).not.toBe('working')
    const sent = await order(a, id, 'send', { text: 'say one more word' })
    await b.restart()
    const end = await inState(a, id, 'done', 150_000)
    const all = await messages(a, id)
    expect(end.state, JSON.stringify(all)).toBe('done')
    expect((await a.cli('session', 'diff', id)).stdout.match(/^\+[a-z]+$/gm)).toEqual(['+one', '+two', '+three'])
    // The conversation went on: the first request after the restart holds the first steps, and the prompt stands there once.
    const next = JSON.stringify(model.requests[before]?.messages)
    expect(next).toContain('Step one.')
    expect(next.match(/in-three-steps/g)).toHaveLength(1)
    expect(all.some(({ event }) => event.type === 'ready' && event['resumed'] === true)).toBe(true)
    const prompts = all.flatMap(({ event }) => (event.type === 'prompt' ? [event['text']] : []))
    expect(prompts.filter((text) => text === 'in-three-steps')).toHaveLength(1)
    expect(prompts.filter((text) => text === 'say one more word')).toHaveLength(1)
    expect(sent.taken).toBe(false)
    expect(end.said).toBe('And one more word.')
    expect(model.left('in-three-steps')).toBe(0)
    expect(end.workerName).toBe('b')
  })

  test('a request that waited for an answer is asked again after the restart', async () => {
    const { model } = agents
    const ask = { tools: [{ name: 'Bash', input: { command: 'touch yes', description: 'yes' } }] }
    model.script([ask, ask, { text: 'Allowed.' }], 'wait-for-me')
    const { id } = await start(a, { prompt: 'wait-for-me', worker: 'b', ask: ['Bash'] })
    const first = await inState(a, id, 'waiting')
    await b.kill()
    await b.restart()
    await until(
      async () => {
        const view = await session(a, id)
        return view.state === 'waiting' && view.asks[0]?.request !== first.asks[0]?.request
      },
      { what: 'the request of the new process', timeoutMs: 120_000 },
    )
    expect((await order(a, id, 'answer', { allow: true })).won).toBe(true)
    const end = await inState(a, id, 'done')
    expect(end.said).toBe('Allowed.')
  })
})
