// Programs that are not what they should be: each ends as a state with a reason and a cure, and none is ever shown as working. Small
// real programs stand where Claude Code should; the node, the sandbox and the host are real.
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RealNode } from '../../support/real-mesh.ts'
import { type AgentMesh, bwrap, createAgentMesh, inState, messages, start, watch } from './agent-mesh.ts'

const INIT = '{"type":"system","subtype":"init","session_id":"s1","model":"m","claude_code_version":"0"}'
const RESULT =
  '{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"ok","total_cost_usd":0.5,"usage":{"input_tokens":1,"output_tokens":2}}'
const NO_LOGIN =
  '{"type":"result","subtype":"success","is_error":true,"num_turns":1,"result":"Not logged in · Please run /login","total_cost_usd":0}'

/** [what it is, its program, the state it ends in, the code of the reason, words of the cure] */
const WEIRD: [string, string, string, string | undefined, RegExp | undefined][] = [
  ['exits at once', 'exit 3', 'failed', 'agent-exited', /claude -p hello/],
  ['too old', 'echo "error: unknown option \'--permission-prompt-tool\'" >&2; exit 1', 'failed', 'agent-too-old', /@latest/],
  ['prints nonsense', 'while :; do echo welcome to the jungle; done', 'failed', 'agent-nonsense', /claude --version/],
  [
    'not logged in',
    `read -r line; echo '${INIT}'; echo '${NO_LOGIN}'; cat >/dev/null`,
    'failed',
    'agent-not-logged-in',
    /ANTHROPIC_API_KEY|log in/,
  ],
  ['never says anything', 'exec sleep 600', 'failed', 'agent-hung', /silent-timeout/],
  ['dies in its work', `read -r line; echo '${INIT}'; exit 9`, 'failed', 'agent-died', /resume/],
  ['never exits', `trap '' TERM INT; read -r line; echo '${INIT}'; echo '${RESULT}'; exec sleep 600`, 'done', undefined, undefined],
  [
    'writes a line of 10 MB, and one of 20 MB',
    `read -r line; echo '${INIT}'; printf '{"type":"assistant","message":{"id":"m1","content":[{"type":"text","text":"'; head -c 10000000 /dev/zero | tr '\\0' x; echo '"}]}}'; head -c 20000000 /dev/zero | tr '\\0' y; echo; echo '${RESULT}'; cat >/dev/null`,
    'done',
    undefined,
    undefined,
  ],
]

describe.skipIf(!bwrap.present)(bwrap.title('agents that misbehave'), () => {
  let agents: AgentMesh
  let node: RealNode
  let folder: string
  beforeAll(async () => {
    agents = await createAgentMesh()
    node = await agents.add('box', ['--slots', '9'], { NIMBUS_CLAUDE: '/nowhere/claude' })
    folder = join(agents.mesh.dir, 'programs')
    await mkdir(folder)
  })
  afterAll(() => agents?.close())

  test('each ends with a clear state and cure', async () => {
    const events = watch(node, 'session.updated')
    const ids = await Promise.all(
      WEIRD.map(async ([name, program]) => {
        const file = join(folder, name.replaceAll(/\W/g, '-'))
        await writeFile(file, `#!/bin/sh\n${program}\n`)
        await chmod(file, 0o755)
        return (await start(node, { prompt: name, command: [file], silentTimeout: '5s' })).id
      }),
    )
    const ends = await Promise.all(ids.map((id) => inState(node, id, 'done|failed|interrupted', 120_000)))
    for (const [at, [name, , state, code, cure]] of WEIRD.entries()) {
      expect
        .soft({ name, state: ends[at]?.state, code: ends[at]?.reason?.code, cost: ends[at]?.costUsd })
        .toEqual({ name, state, code, cost: state === 'done' ? 0.5 : 0 })
      if (cure !== undefined) expect.soft(ends[at]?.reason?.cure, name).toMatch(cure)
    }
    events.stop()
    // What never was ready was never shown as working.
    const working = new Set(events.seen.flatMap(({ event }) => ((event.data as { state: string }).state === 'working' ? [event.id] : [])))
    for (const at of [0, 1, 2, 4]) expect.soft(working.has(ids[at] ?? ''), WEIRD[at]?.[0]).toBe(false)
    const long = await messages(node, ids.at(-1) ?? '')
    const said = long.find(({ event }) => event.type === 'message')?.event
    expect(String(said?.['text']).length).toBeLessThanOrEqual(16_384)
    expect(said?.['cut']).toBeGreaterThan(9_900_000)
    expect(long.some(({ event }) => event.type === 'note' && /20000000 bytes was left out/.test(String(event['text'])))).toBe(true)
  })

  test('an agent that is not there says how it is installed', async () => {
    const { id } = await start(node, { prompt: 'hello' })
    const end = await inState(node, id, 'failed')
    expect(end.reason?.code).toBe('agent-absent')
    expect(end.reason?.cure).toContain('npm install -g @anthropic-ai/claude-code')
  })
})
