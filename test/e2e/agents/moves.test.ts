// Sessions that leave their worker: moved by hand, taken over when the machine is gone, fenced where it was only paused. With the real
// program on real nodes; one mesh goes through all of it.
import { readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SessionView } from '../../../protocols/http/sessions.ts'
import { createGitServer, type GitServer } from '../../support/git-http.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { processesWith } from '../../support/run-lab.ts'
import { until } from '../../support/until.ts'
import { type AgentMesh, bwrap, claude, createAgentMesh, inState, messages, session, start } from './agent-mesh.ts'

const PATIENCE_MS = 90_000

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('sessions that move')), () => {
  let agents: AgentMesh
  let git: GitServer
  let nodes: RealNode[]
  beforeAll(async () => {
    git = await createGitServer()
    agents = await createAgentMesh()
    for (const name of ['a', 'b', 'c']) await agents.add(name, name === 'a' ? ['--accept', 'kind=shell'] : [])
    nodes = agents.mesh.nodes
    await agents.mesh.settled()
  })
  afterAll(async () => {
    await agents?.close()
    await git?.close()
  })
  const nodeOf = ({ workerName }: SessionView): RealNode => nodes.find(({ name }) => name === workerName) as RealNode

  /** A model that does the first step that the conversation does not know to be finished; `slow` ones do not end when first begun. */
  const script = (word: string, steps: number, slow: readonly number[]): string[] => {
    const seen: string[] = []
    const begun = new Set<number>()
    agents.model.brain(word, (conversation) => {
      seen.push(conversation)
      const step = Array.from({ length: steps }, (_, at) => at + 1).find((one) => !conversation.includes(`finished-${one}`))
      if (step === undefined) return { text: 'All steps are finished.' }
      const long = slow.includes(step) && !begun.has(step) ? 'sleep 300; ' : ''
      begun.add(step)
      const command = `echo step-${step} >> steps.txt; echo ${step} > only-${step}.txt; ${long}echo finished-$((${step}))`
      return { tools: [{ name: 'Bash', input: { command, description: `step ${step}` } }] }
    })
    return seen
  }
  /** Until the finished call that printed this is in a save. */
  const savedAfter = async (at: RealNode, id: string, text: string): Promise<SessionView> => {
    let view: SessionView | undefined
    await until(
      async () => {
        view = await session(at, id)
        const done = (await messages(at, id)).find(({ event }) => event.type === 'tool-result' && String(event['text']).includes(text))
        return done !== undefined && view.saved?.after === done.event['call']
      },
      { what: `a save after ${text}`, timeoutMs: PATIENCE_MS },
    )
    return view as SessionView
  }
  const inStep = async (view: SessionView, step: number): Promise<void> => {
    const file = join(nodeOf(view).dataDir, 'sessions', view.id, 'tree', 'steps.txt')
    const begun = async (): Promise<boolean> => (await readFile(file, 'utf8').catch(() => '')).includes(`step-${step}`) // not there yet
    await until(begun, { what: `step ${step} on ${view.workerName}`, timeoutMs: PATIENCE_MS })
  }

  test('moved in the middle of a call, then its machine is lost: the same conversation, files and branch on the other worker', async () => {
    const [a] = nodes as [RealNode]
    const repo = git.repo('walk', { 'steps.txt': '', 'kept.txt': 'from the origin\n' })
    const seen = script('walk-on', 5, [2, 4])
    const { id } = await start(a, { prompt: 'walk-on', repo: repo.url })
    const first = await savedAfter(a, id, 'finished-1')
    expect(first.onLoss).toBe('move')
    await inStep(first, 2)
    const target = first.workerName === 'b' ? 'c' : 'b'
    const moved = await a.cli('session', 'move', id, target, '--now')
    expect(moved.code, moved.stderr).toBe(0)
    // Step 3 is done there; then that machine goes for good, in the middle of step 4.
    const second = await savedAfter(a, id, 'finished-3')
    expect(second.workerName).toBe(target)
    await inStep(second, 4)
    const lost = nodeOf(second)
    await lost.kill()
    const end = await inState(a, id, 'done', PATIENCE_MS)
    expect(end.workerName).toBe(first.workerName)
    expect(end.tasks).toHaveLength(2)

    const steps = (await a.cli('session', 'diff', id)).stdout.match(/^\+step-\d$/gm) ?? []
    expect([...new Set(steps)].sort()).toEqual(['+step-1', '+step-2', '+step-3', '+step-4', '+step-5'])
    for (const finished of [1, 3, 5]) expect(steps.filter((step) => step === `+step-${finished}`)).toHaveLength(1)
    const last = seen.at(-1) ?? ''
    expect(last.match(/walk-on/g)).toHaveLength(1)
    for (let step = 1; step <= 5; step++) expect(last.match(new RegExp(`finished-${step}`, 'g'))?.length, `step ${step}`).toBeGreaterThan(0)
    expect(last).toContain('on another machine')
    // What was told of the first worker is told by all nodes, and the branch is one.
    expect((await a.cli('session', 'merge', id)).code).toBe(0)
    expect(repo.git('ls-remote', 'origin', 'refs/heads/main')).toContain(end.commit)
    await lost.restart()
    await agents.mesh.settled()
  })

  test('a worker that was only paused is fenced: what it did meanwhile stays where it is, and nothing of it counts', async () => {
    const [a] = nodes as [RealNode]
    const repo = git.repo('pause', { 'steps.txt': '' })
    let seconds = 0
    agents.model.brain('hold-on', (conversation) => {
      const bash = (command: string) => ({ tools: [{ name: 'Bash', input: { command, description: 'step' } }] })
      if (!conversation.includes('finished-1')) return bash('echo one >> steps.txt; echo finished-$((1))')
      // Only the paused worker has seen the end of this one: it wants to tell everybody.
      if (conversation.includes('finished-late')) {
        if (conversation.includes('told everybody')) return { text: 'I was first.' }
        return { tools: [{ name: 'mcp__nimbus__send_message', input: { to: { topic: 'pause' }, text: 'told everybody' } }] }
      }
      if (conversation.includes('finished-anew')) return { text: 'Done anew.' }
      seconds += 1
      if (seconds > 1) return bash('echo anew >> steps.txt; echo finished-$(echo anew)')
      return bash('until [ -e go.txt ]; do sleep 0.1; done; echo late >> steps.txt; git commit -qam late; echo finished-$(echo late)')
    })
    const { id } = await start(a, { prompt: 'hold-on', repo: repo.url, permission: 'allow' })
    const first = await savedAfter(a, id, 'finished-1')
    await until(() => seconds === 1, { what: 'the second step', timeoutMs: PATIENCE_MS })
    const paused = nodeOf(first)
    const tree = join(paused.dataDir, 'sessions', id, 'tree')
    // The node and its guardian stand still: nobody is left there to freeze the agent, which works on and finishes its call.
    const stopped = [paused.child.pid as number, ...guardiansOf(paused)]
    expect(stopped.length).toBeGreaterThan(1)
    for (const pid of stopped) process.kill(pid, 'SIGSTOP')
    try {
      await writeFile(join(tree, 'go.txt'), '')
      await until(async () => (await readFile(join(tree, 'steps.txt'), 'utf8')).includes('late'), {
        what: 'late work',
        timeoutMs: PATIENCE_MS,
      })
      const end = await inState(a, id, 'done', PATIENCE_MS)
      expect([end.said, end.workerName === first.workerName]).toEqual(['Done anew.', false])
    } finally {
      for (const pid of stopped) process.kill(pid, 'SIGCONT')
    }
    await until(() => processesWith(join(paused.dataDir, 'sessions', id)).length === 0, {
      what: 'the end of the old process',
      timeoutMs: PATIENCE_MS,
    })
    await agents.mesh.settled()
    for (const node of nodes) {
      const view = await session(node, id)
      expect([node.name, view.state, view.said]).toEqual([node.name, 'done', 'Done anew.'])
      expect((await node.cli('session', 'diff', id)).stdout.match(/^\+(one|late|anew)$/gm)).toEqual(['+one', '+anew'])
      expect((await node.cli('msg', 'ls', '--topic', 'pause', '--json')).stdout).not.toContain('told everybody')
    }
    // It is not lost either: it lies where it was done.
    expect(await readFile(join(tree, 'steps.txt'), 'utf8')).toContain('late')
  })

  test('one that waits for its worker is moved by hand although that worker is gone', async () => {
    const [a, b] = nodes as [RealNode, RealNode]
    script('by-hand', 2, [2])
    const { id } = await start(a, { prompt: 'by-hand', worker: 'b' })
    const first = await savedAfter(a, id, 'finished-1')
    expect([first.onLoss, first.workerName]).toEqual(['wait', 'b'])
    await inStep(first, 2)
    await b.kill()
    const moved = await a.cli('session', 'move', id, 'c')
    expect(moved.code, moved.stderr).toBe(0)
    const end = await inState(a, id, 'done', PATIENCE_MS)
    expect(end.workerName).toBe('c')
    // It has no repository; its files came along all the same.
    const steps = await readFile(join((nodes[2] as RealNode).dataDir, 'sessions', id, 'tree', 'steps.txt'), 'utf8')
    expect(steps.split('\n').filter((step) => step === 'step-1')).toHaveLength(1)
  })
})

/** Known by the environment that its node gave to it. */
function guardiansOf({ dataDir }: RealNode): number[] {
  return processesWith('guardian/guardian.ts').filter((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`=${dataDir}/`))
}
