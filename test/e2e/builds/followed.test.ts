// A build that breaks, with real tools: the last good commit is built again, and the real agent, with a scripted model, mends the code on a
// branch of its own that nobody merges but a person.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BuildDetail } from '../../../protocols/builds/build-views.ts'
import type { TaskView } from '../../../protocols/http/views.ts'
import type { GitServer } from '../../support/git-http.ts'
import { createGitServer } from '../../support/git-http.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import type { AgentMesh } from '../agents/agent-mesh.ts'
import { bwrap, claude, createAgentMesh, inState } from '../agents/agent-mesh.ts'

const TEST_MS = 180_000

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('builds that are followed up')), () => {
  let agents: AgentMesh
  let git: GitServer
  let node: RealNode
  beforeAll(async () => {
    git = await createGitServer()
    agents = await createAgentMesh()
    node = await agents.add('one')
  }, TEST_MS)
  afterAll(async () => {
    await agents?.close()
    await git?.close()
  })
  const build = async (url: string, ...flags: string[]): Promise<TaskView> => {
    const { stdout } = await node.cli('task', 'run', '--kind', 'build', '--repo', url, '--timeout', '2m', '--json', ...flags)
    return (JSON.parse(stdout.split('\n').find((line) => line.startsWith('{"event":"ended"')) ?? '{}') as { task: TaskView }).task
  }

  test('the last good commit is built again, an agent mends the code, and the origin is as it was', { timeout: TEST_MS }, async () => {
    const repo = git.repo('adder', {
      'nimbus.yaml': 'build: cp add.mjs built.mjs\ntest: [node, test.mjs]\nartifacts: [built.mjs]\n',
      'add.mjs': 'export const add = (a, b) => a + b\n',
      'test.mjs': "import assert from 'node:assert'\nimport { add } from './add.mjs'\nassert.equal(add(1, 2), 3)\n",
    })
    const good = repo.git('rev-parse', 'HEAD').trim()
    const first = await build(repo.url)
    expect(first.state).toBe('succeeded')
    const broken = repo.commit('break it', { 'add.mjs': 'export const add = (a, b) => a - b\n' })
    agents.model.script(
      [
        {
          text: 'The sign.',
          tools: [
            {
              name: 'Bash',
              input: { command: "sed -i 's/a - b/a + b/' add.mjs && node test.mjs && git commit -qam mended", description: 'mend' },
            },
          ],
          usage: { input: 900, output: 40 },
        },
        { text: 'Mended, tested and committed.', usage: { input: 1_000, output: 20 } },
      ],
      'It is a fault of kind test',
    )
    const failed = await build(repo.url, '--last-good', '--repair', '2')
    expect({ state: failed.state, failure: failed.result?.build?.failure, lastGood: failed.result?.build?.lastGood }).toEqual({
      state: 'failed',
      failure: 'test',
      lastGood: { task: first.id, commit: good },
    })
    const followed = await until(
      async () => {
        const { body } = await node.api<BuildDetail>(`/api/builds/${failed.id}`)
        return body.followedBy?.lastGood !== undefined && body.followedBy.repair !== undefined ? body.followedBy : undefined
      },
      { what: 'what follows the build', timeoutMs: 60_000 },
    )
    const rebuilt = await until(
      async () => ((await node.task(followed.lastGood ?? '')).result === undefined ? undefined : node.task(followed.lastGood ?? '')),
      {
        what: 'the end of the build of the last good commit',
        timeoutMs: 90_000,
      },
    )
    expect({ state: rebuilt.state, commit: rebuilt.result?.build?.commit }).toEqual({ state: 'succeeded', commit: good })
    expect(rebuilt.result?.artifacts?.[0]).toEqual(first.result?.artifacts?.[0])

    const session = await inState(node, followed.repair ?? '', 'done|failed|interrupted')
    expect(session).toMatchObject({ state: 'done', branch: `nimbus/${followed.repair}`, base: broken })
    expect(session.commit).not.toBe(broken)
    const { stdout } = await node.cli('session', 'diff', session.id)
    expect(stdout).toContain('+export const add = (a, b) => a + b')
    expect(repo.git('ls-remote', 'origin', 'refs/*').trim().split('\n'), 'nothing was pushed').toEqual([`${broken}\trefs/heads/main`])
    // Once each: a restart publishes neither again.
    await node.stop()
    await node.restart()
    const { body } = await node.api<{ items: TaskView[] }>('/api/tasks?limit=100')
    expect(body.items).toHaveLength(4)
    const shown = await node.cli('build', 'show', failed.id)
    expect(shown.stdout).toContain(`session ${followed.repair}`)
  })
})
