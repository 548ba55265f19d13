// Agents other than Claude Code: any that speaks ACP, and any command. The same sessions, permissions, messages and ends.
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { type AgentMesh, bwrap, createAgentMesh, inState, messages, order, start } from '../agents/agent-mesh.ts'

const ACP_AGENT = fileURLToPath(new URL('../../support/servers/acp-agent.ts', import.meta.url))
const ACP = { driver: 'acp', command: [process.execPath, ACP_AGENT], sandbox: 'none', worker: 'b' }

let agents: AgentMesh
let a: RealNode
beforeAll(async () => {
  agents = await createAgentMesh()
  a = await agents.add('a')
  await agents.add('b')
  await agents.mesh.settled()
})
afterAll(() => agents?.close())

const said = async (id: string): Promise<string[]> =>
  (await messages(a, id)).flatMap(({ event }) => (event.type === 'message' ? [String(event['text'])] : []))

describe('an agent that speaks ACP', () => {
  test('asks before it writes, is answered from another node, and says what it did', async () => {
    const { id } = await start(a, { ...ACP, prompt: 'please write it', ask: ['Write'] })
    const asking = await inState(a, id, 'waiting|failed')
    expect(asking.asks).toMatchObject([{ tool: 'Write' }])
    await order(a, id, 'answer', { request: asking.asks[0]?.request, allow: true })
    const end = await inState(a, id, 'done|failed')
    expect(end, JSON.stringify(await messages(a, id))).toMatchObject({ state: 'done', turns: 1, driver: 'acp' })
    expect(await said(id)).toEqual(['You said: please write it', 'It is written.'])
    const result = (await messages(a, id)).find(({ event }) => event.type === 'tool-result')?.event
    expect(result).toMatchObject({ ok: true, text: 'written' })
  })

  test('a refusal reaches it, a turn that hangs is interrupted, and it goes on', async () => {
    const { id } = await start(a, { ...ACP, prompt: 'hang please', deny: ['Write'], idle: '10m' })
    await inState(a, id, 'working|failed')
    await until(async () => (await messages(a, id)).some(({ event }) => event.type === 'prompt'), { what: 'the prompt', timeoutMs: 60_000 })
    expect((await order(a, id, 'interrupt')).taken).toBe(true)
    await inState(a, id, 'idle|failed')
    await order(a, id, 'send', { text: 'now write' })
    await until(async () => (await said(id)).includes('I may not.'), { what: 'the refusal', timeoutMs: 60_000 })
    await order(a, id, 'stop')
    await inState(a, id, 'done|interrupted|failed')
  })

  test.each([
    ['speaks something else', ['sh', '-c', 'while :; do echo nonsense; done'], 'agent-nonsense'],
    ['ends at once', ['false'], 'agent-exited'],
    ['is not there', ['/nowhere/agent'], 'agent-'],
  ])('one that %s is told by name', async (_what, command, code) => {
    const { id } = await start(a, { ...ACP, command, prompt: 'hello' })
    const end = await inState(a, id, 'failed|done')
    expect(end.state).toBe('failed')
    expect(end.reason?.code).toContain(code)
  })
})

describe.skipIf(!bwrap.present)(bwrap.title('any command as an agent'), () => {
  test('gets each prompt on its standard input in the sandbox; its exit code is how the turn went', async () => {
    const command = ['sh', '-c', 'read prompt; echo "heard: $prompt"; test "$prompt" != fail']
    const flags = ['--driver', 'command', '--worker', 'b', '--memory', '0', '--idle', '10m']
    const started = await a.cli('session', 'start', '--json', ...flags, 'first', '--', ...command)
    expect(started.code, started.stderr).toBe(0)
    const { id } = JSON.parse(started.stdout) as { id: string }
    await inState(a, id, 'idle|failed')
    await order(a, id, 'send', { text: 'second' })
    await until(async () => (await said(id)).length === 2, { what: 'the second turn', timeoutMs: 60_000 })
    expect(await said(id)).toEqual(['heard: first', 'heard: second'])
    await order(a, id, 'send', { text: 'fail' })
    const end = await inState(a, id, 'failed')
    expect(end.reason).toMatchObject({ code: 'command-failed' })
  })
})
