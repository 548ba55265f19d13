// Who pays: a token of a person's plan or a login made on the worker itself reaches the model's server and nobody else; a worker whose
// account has to wait leaves sessions to one with another account. Slash commands pass through.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { type AgentMesh, bwrap, claude, createAgentMesh, inState, messages, order, session, start } from './agent-mesh.ts'

const TOKEN = 'sk-ant-oat01-token-of-a-plan'
const ACCESS = 'sk-ant-oat01-login-of-a-person'

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('logins')), () => {
  let agents: AgentMesh
  let a: RealNode
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nimbus-login-'))
    const config = join(folder, 'config')
    await mkdir(config)
    const login = {
      accessToken: ACCESS,
      refreshToken: 'sk-ant-ort01-refresh',
      expiresAt: Date.now() + 3_600_000,
      scopes: ['user:inference'],
    }
    await writeFile(join(config, '.credentials.json'), JSON.stringify({ claudeAiOauth: login }), { mode: 0o600 })
    agents = await createAgentMesh()
    a = await agents.add('token', ['--skill', 'plan'], { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: TOKEN })
    await agents.add('login', ['--skill', 'plan'], { ANTHROPIC_API_KEY: '', CLAUDE_CONFIG_DIR: config })
    await agents.mesh.settled()
  })
  afterAll(async () => {
    await agents?.close()
    await rm(folder, { recursive: true, force: true })
  })

  test.each([
    ['token', TOKEN],
    ['login', ACCESS],
  ])('a %s of the worker reaches the server, not the sandbox', async (worker, secret) => {
    const { model } = agents
    const look =
      'env | sort; cat "$CLAUDE_CONFIG_DIR/.credentials.json"; find / -name .credentials.json -not -path "/proc/*" 2>/dev/null; true'
    model.script([{ tools: [{ name: 'Bash', input: { command: look, description: 'look' } }] }, { text: 'Seen.' }], `look-as-${worker}`)
    const { id } = await start(a, { prompt: `look-as-${worker}`, worker })
    const end = await inState(a, id, 'done|failed')
    const all = JSON.stringify(await messages(a, id))
    expect(end.state, all).toBe('done')
    const asked = model.requests.filter(({ messages: said }) => JSON.stringify(said).includes(`look-as-${worker}`))
    expect(asked.length).toBeGreaterThanOrEqual(2)
    for (const { headers } of asked) {
      expect(headers.authorization).toBe(`Bearer ${secret}`)
      expect(headers['x-api-key']).toBeUndefined()
    }
    expect(all).toContain('NIMBUS_SESSION=')
    expect(all).not.toContain(secret)
    expect(all).not.toContain('refreshToken')
  })

  test('a worker whose account has to wait leaves the next session to the other account', async () => {
    const { model } = agents
    const resetAt = Math.ceil(Date.now() / 1_000) + 30
    model.script([{ status: 429, resetAt }, { text: 'Late.' }], 'limited-plan')
    const { id: first } = await start(a, { prompt: 'limited-plan', worker: 'token' })
    await until(async () => (await session(a, first)).limitedUntil !== undefined, { what: 'the limit', timeoutMs: 60_000 })
    const { id: pinned } = await start(a, { prompt: 'it names the worker', worker: 'token' })
    const { id: second } = await start(a, { prompt: 'anywhere', skills: ['plan'] })
    expect(await inState(a, second, 'done|failed')).toMatchObject({ state: 'done', workerName: 'login' })
    expect(await session(a, pinned)).toMatchObject({ state: 'starting', reason: { code: 'account-limited' } })
    for (const id of [pinned, first]) await order(a, id, 'stop')
  })

  test('a slash command is done by the agent itself, without the model', async () => {
    const { model } = agents
    model.script([{ text: 'Ready.' }], 'slash-please')
    const { id } = await start(a, { prompt: 'slash-please', worker: 'login', idle: '10m' })
    await inState(a, id, 'idle|failed')
    const asked = model.requests.length
    await order(a, id, 'send', { text: '/context' })
    await until(async () => (await session(a, id)).turns === 2, { what: 'the turn of the command', timeoutMs: 60_000 })
    const said = JSON.stringify(await messages(a, id))
    expect(said).toMatch(/Context Usage/i)
    expect(model.requests.length).toBe(asked)
    await order(a, id, 'stop')
  })
})
