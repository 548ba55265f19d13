// What a session may do by itself and what a person has to allow: asked on its worker, answered once from wherever, also after the node
// where somebody looked at it is gone.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { type AgentMesh, bwrap, claude, createAgentMesh, inState, messages, order, session, start } from './agent-mesh.ts'

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('approvals')), () => {
  let agents: AgentMesh
  let a: RealNode
  let b: RealNode
  let c: RealNode
  beforeAll(async () => {
    agents = await createAgentMesh()
    a = await agents.add('a')
    b = await agents.add('b')
    c = await agents.add('c')
    await agents.mesh.settled()
  })
  afterAll(() => agents?.close())

  test('a request waits; two people answer at two nodes while a third node dies; one answer counts', async () => {
    agents.model.script(
      [{ tools: [{ name: 'Bash', input: { command: 'touch allowed.txt && ls', description: 'write' } }] }, { text: 'Written.' }],
      'ask-me-first',
    )
    const { id } = await start(a, { prompt: 'ask-me-first', worker: 'b', ask: ['Bash'] })
    const asking = await inState(c, id, 'waiting')
    expect(asking.asks).toMatchObject([{ tool: 'Bash' }])
    expect(asking.asks[0]?.input).toContain('touch allowed.txt')
    await a.kill() // the node where the dashboard was
    const request = asking.asks[0]?.request
    const [yes, no] = await Promise.all([
      order(c, id, 'answer', { request, allow: true }),
      order(b, id, 'answer', { request, allow: false, note: 'not today' }),
    ])
    const end = await inState(c, id, 'done')
    expect([yes.won, no.won].filter((won) => won === true)).toHaveLength(1)
    expect(yes.decision).toEqual(no.decision)
    expect(end.decided).toHaveLength(1)
    const winner = end.decided[0]
    expect(winner).toMatchObject(yes.won === true ? { allow: true, by: 'c' } : { allow: false, by: 'b' })
    const result = (await messages(c, id)).find(({ event }) => event.type === 'tool-result')?.event
    expect(result?.['ok']).toBe(winner?.allow)
    if (winner?.allow === true) expect(result?.['text']).toContain('allowed.txt')
    else expect(result?.['text']).toContain('not today')
    // Once more, later: told who was first, and nothing happens.
    expect(await order(b, id, 'answer', { request, allow: true })).toMatchObject({ won: false, decision: winner })
  })

  test('rules answer by themselves, and a turn is interrupted from another node', async () => {
    agents.model.script(
      [
        { tools: [{ name: 'Write', input: { file_path: 'w.txt', content: 'x' } }] },
        { text: 'Refused, I see.', tools: [{ name: 'Bash', input: { command: 'sleep 300', description: 'long' } }] },
      ],
      'break-the-rules',
    )
    const { id } = await start(c, { prompt: 'break-the-rules', worker: 'b', deny: ['Write'], idle: '10m' })
    await until(async () => (await messages(c, id)).some(({ event }) => event.type === 'tool' && event['tool'] === 'Bash'), {
      what: 'the long command',
      timeoutMs: 60_000,
    })
    expect((await session(c, id)).decided).toMatchObject([{ allow: false, by: 'the rules of the session' }])
    expect((await order(c, id, 'interrupt')).taken).toBe(true)
    await inState(c, id, 'idle')
    // A slash command passes as it is, and the session goes on from another node.
    agents.model.script([{ text: 'Still here.' }], 'break-the-rules')
    await order(b, id, 'send', { text: 'are you there?' })
    await until(async () => (await session(c, id)).said === 'Still here.', { what: 'the answer', timeoutMs: 60_000 })
    expect((await order(c, id, 'stop')).taken).toBe(true)
    const end = await inState(c, id, 'interrupted')
    expect(end.reason).toMatchObject({ code: 'stopped' })
  })
})
