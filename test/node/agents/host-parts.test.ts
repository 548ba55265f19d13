// The parts of a session host by themselves: rules for tools, the gate, and silence.
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { openGate } from '../../../node/agents/host/gate.ts'
import { createPermissions, verdictOf } from '../../../node/agents/host/permissions.ts'
import { createSilence } from '../../../node/agents/host/silence.ts'
import type { AgentEvent } from '../../../protocols/agents/agent-events.ts'
import type { TaskId } from '../../../protocols/ids.ts'
import { createVirtualClock } from '../../support/virtual-clock.ts'

const IDS = ['o1', 'o2', 'o3'] as [TaskId, TaskId, TaskId]

test('the stricter list decides, then the rule for all others', () => {
  const rules = { allow: ['Bash', 'mcp__nimbus__*'], ask: ['Bash', 'Edit'], deny: ['Write*'], permission: 'deny' as const }
  expect(['Bash', 'mcp__nimbus__lock', 'Edit', 'WriteAll', 'Read'].map((tool) => verdictOf(rules, tool))).toEqual([
    'ask',
    'allow',
    'ask',
    'deny',
    'deny',
  ])
  expect(verdictOf({}, 'Bash')).toBe('allow')
})

test('of many answers to one request the first is given to the agent, once', () => {
  const given: [string, boolean][] = []
  const events: AgentEvent[] = []
  const permissions = createPermissions(
    { ask: ['Bash'] },
    { answer: (request, { allow }) => void given.push([request, allow]), emit: (event) => void events.push(event) },
  )
  permissions.request({ request: 'r1', tool: 'Bash', input: {} })
  const answer = (id: TaskId, allow: boolean, by: string) => permissions.decide({ id, op: 'answer', request: 'r1', allow, by })
  expect(answer(IDS[0], false, 'ada')).toBeUndefined()
  expect(answer(IDS[1], true, 'bob')).toBe('ada had answered it before')
  expect(permissions.decide({ id: IDS[2], op: 'answer', request: 'r2', allow: true, by: 'bob' })).toBe('no such request waits')
  expect(given).toEqual([['r1', false]])
  expect(events.map(({ type }) => type)).toEqual(['ask', 'decided'])
  expect(permissions.waiting()).toBe(0)
})

test('the gate adds the key for the one server, lets listed hosts through, and refuses and names all others', async () => {
  const seen: { path: string; key: string | undefined }[] = []
  const server = createServer((request, response) => {
    seen.push({ path: request.url ?? '', key: request.headers['x-api-key'] as string | undefined })
    response.end('hello')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const refused: string[] = []
  const gate = await openGate({
    socket: undefined,
    mesh: undefined,
    upstream: { origin: `http://127.0.0.1:${port}`, headers: () => ({ 'x-api-key': 'the-real-one' }) },
    allowed: ['good.example'],
    onRefused: (host) => void refused.push(host),
  })
  const origin = `http://${gate.address}`
  expect(
    await (await fetch(`${origin}/v1/messages`, { method: 'POST', body: '{}', headers: { 'x-api-key': 'held-by-the-worker' } })).text(),
  ).toBe('hello')
  expect(seen).toEqual([{ path: '/v1/messages', key: 'the-real-one' }])
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const [host = '', at = ''] = gate.address.split(':')
      const socket = connect(Number(at), host, () => socket.write(text))
      let answer = ''
      socket.on('data', (piece) => (answer += String(piece)))
      socket.on('close', () => resolve(answer))
      socket.on('error', () => resolve(answer))
    })
  for (const target of ['evil.example:443', '169.254.169.254:80', '127.0.0.1:22', 'good.example:22', 'nonsense'])
    expect(await raw(`CONNECT ${target} HTTP/1.1\r\nhost: x\r\n\r\n`)).toMatch(/^HTTP\/1.1 (403|400)/)
  expect(await raw('GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n')).toContain('403 Forbidden')
  expect(refused).toEqual(
    expect.arrayContaining(['evil.example:443', '169.254.169.254:80', '127.0.0.1:22', 'good.example:22', 'evil.example']),
  )
  // The real key goes to the one server alone: also where a path looks like another host.
  await fetch(`${origin}//evil.example/steal`).catch(() => {}) // refused in whichever way
  expect(seen.every(({ path }) => path.startsWith('/'))).toBe(true)
  gate.close()
  await new Promise((resolve) => server.close(resolve))
})

test('silence is told at half its time and ends at the whole of it; a sign of life or a closed turn begins it anew', () => {
  const clock = createVirtualClock()
  const told: string[] = []
  let open = true
  const silence = createSilence(clock, 10_000, {
    isOpen: () => open,
    onSilent: () => void told.push('silent'),
    onHung: () => void told.push('hung'),
  })
  clock.advance(4_000)
  silence.heard()
  clock.advance(6_000)
  expect(told).toEqual(['silent'])
  open = false
  clock.advance(60_000)
  open = true
  clock.advance(4_000)
  expect(told).toEqual(['silent'])
  clock.advance(7_000)
  expect(told.slice(0, 2)).toEqual(['silent', 'hung'])
  silence.stop()
})
