// The tools of the mesh in the hands of the real Claude Code, inside its sandbox: each of them is called by a session on one node and
// does its work in the mesh, with the token of the session, which the agent never sees.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { QuestionView } from '../../../protocols/agents/question-views.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { type AgentMesh, bwrap, claude, createAgentMesh, inState, messages, start } from '../agents/agent-mesh.ts'

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('the tools of the mesh in a session')), () => {
  let agents: AgentMesh
  let a: RealNode
  let b: RealNode
  beforeAll(async () => {
    agents = await createAgentMesh()
    a = await agents.add('a')
    b = await agents.add('b')
    await agents.mesh.settled()
  })
  afterAll(() => agents?.close())

  /** What the last tool answered, as the program sent it back to the model. */
  const lastAnswer = (): Record<string, unknown> => {
    const [last] = JSON.stringify(agents.model.requests.at(-1)?.messages.at(-1)?.content ?? '').match(/\{\\"task\\".*?\}/) ?? ['{}']
    return JSON.parse(last.replaceAll('\\"', '"').replaceAll('\\\\n', ' ')) as Record<string, unknown>
  }
  const call = (name: string, input: Record<string, unknown> | (() => Record<string, unknown>) = {}) => ({
    get tools() {
      return [{ name: `mcp__nimbus__${name}`, input: typeof input === 'function' ? input() : input }]
    },
  })

  test('each tool is called by the real program and answers it', async () => {
    let task: unknown
    const ofTask = (): Record<string, unknown> => ({ task: (task ??= lastAnswer()['task']) })
    agents.model.script(
      [
        call('mesh_status'),
        call('list_workers'),
        call('publish_task', { command: ['sh', '-c', 'echo from the child'], worker: 'a' }),
        call('wait_task', ofTask),
        call('task_result', ofTask),
        call('add_knowledge', { title: 'Found by a session', text: 'The answer is fortytwo.', tags: ['session'] }),
        call('search_knowledge', { query: 'fortytwo' }),
        call('send_message', { to: { topic: 'sessions' }, text: 'hello from the session' }),
        call('read_messages', { topic: 'sessions' }),
        call('report_progress', { message: 'nearly there', percent: 90 }),
        call('lock', { name: 'one at a time', action: 'acquire' }),
        call('ask_human', { request: 'go', question: 'Shall I go on?', choices: ['yes', 'no'], wait_seconds: 45 }),
        { text: 'All tools work.' },
      ],
      'use-all-the-tools',
    )
    const { id } = await start(a, { prompt: 'use-all-the-tools', worker: 'b', permission: 'allow' })
    const asked = await until(
      async () =>
        (await a.api<{ items: QuestionView[] }>('/api/questions?state=open')).body.items.find((one) => one.text === 'Shall I go on?'),
      { what: 'the question of the session at the other node', timeoutMs: 120_000 },
    )
    expect((await a.cli('ask', 'answer', asked.id, '--choice', 'yes')).code).toBe(0)
    const end = await inState(a, id, 'done|failed|interrupted')
    const all = await messages(a, id)
    expect(end, JSON.stringify(all)).toMatchObject({ state: 'done', said: 'All tools work.' })

    const used = all.flatMap(({ event }) => (event.type === 'tool' ? [String(event['tool'])] : []))
    expect(used).toHaveLength(12)
    const results = all.flatMap(({ event }) => (event.type === 'tool-result' ? [event] : []))
    expect(
      results.map(({ ok }) => ok),
      JSON.stringify(results),
    ).toEqual(Array.from({ length: 12 }, () => true))
    const said = results.map((result) => String(result['text']))
    expect(said[3]).toContain('from the child')
    expect(said[6]).toContain('fortytwo')
    expect(said[8]).toContain('hello from the session')
    expect(said[11]).toContain('"choice":"yes"')
    // It all happened in the mesh, under the name of the session.
    const child = await a.task(String(task))
    expect([child.state, child.spec['parent']]).toEqual(['succeeded', id])
    expect((await a.cli('know', 'search', 'fortytwo')).stdout).toContain(id)
    expect((await a.cli('lock', 'ls')).stdout, 'the lock went with the session').not.toContain('one at a time')
  })

  test('the token stays outside, and the rest of the node with it', async () => {
    const tries = [
      'env | grep -c NIMBUS_TOKEN',
      'curl -s http://$(echo "$NIMBUS_MCP" | cut -d/ -f3)/api/mesh | grep -c members',
      'curl -s -o /dev/null -w "%{http_code} " -X POST -H "content-type: application/json" -d "{}" $NIMBUS_MCP',
      'curl -s -m 5 -o /dev/null -w "%{http_code} " ' + b.ready.http + '/api/health; true',
    ]
    agents.model.script(
      [{ tools: [{ name: 'Bash', input: { command: tries.join('; '), description: 'look' } }] }, { text: 'Looked.' }],
      'look-for-the-token',
    )
    const { id } = await start(a, { prompt: 'look-for-the-token', worker: 'b' })
    await inState(a, id, 'done|failed|interrupted')
    const result = (await messages(a, id)).find(({ event }) => event.type === 'tool-result')?.event
    // No token; every other path leads to the model, not to the node; MCP refuses what is no request of its own; no way to the node itself.
    expect(String(result?.['text']).trim()).toBe('0\n0\n400 000')
  })
})
