// Ten sessions on three nodes: each in a tree of its own, started apart from each other, waiting where the account has to wait, ended by
// their budgets, and only as many at once as memory admits.
import { readdir, readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGitServer, type GitServer } from '../../support/git-http.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { type AgentMesh, bwrap, claude, createAgentMesh, inState, session, start } from './agent-mesh.ts'

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('ten sessions')), () => {
  let agents: AgentMesh
  let git: GitServer
  let nodes: RealNode[]
  beforeAll(async () => {
    git = await createGitServer()
    agents = await createAgentMesh()
    nodes = [await agents.add('a', ['--slots', '1']), await agents.add('b', ['--slots', '1']), await agents.add('c', ['--slots', '1'])]
    await agents.mesh.settled()
  })
  afterAll(async () => {
    await agents?.close()
    await git?.close()
  })

  test('each in its own tree, three ended by their budgets within a turn, none started while the account waits', async () => {
    const { model } = agents
    const [a] = nodes as [RealNode]
    const repo = git.repo('shared', { 'base.txt': 'base\n' })
    const names = Array.from({ length: 10 }, (_, at) => `worker-number-${at}-x`)
    for (const [at, name] of names.entries()) {
      const write = {
        tools: [
          { name: 'Bash', input: { command: `ls; echo ${name} > ${name}.txt; git add -A; git commit -qm ${name}; ls`, description: 'w' } },
        ],
      }
      // The last three are dear: their one turn costs more than they may.
      const usage = at >= 7 ? { input: 2_000_000, output: 10 } : { input: 100, output: 10 }
      model.script(
        [
          { ...write, usage },
          { text: 'done', usage },
        ],
        name,
      )
    }
    const ids = await Promise.all(
      names.map(async (name, at) => (await start(a, { prompt: name, repo: repo.url, ...(at >= 7 ? { budgetUsd: 1 } : {}) })).id),
    )
    let most = 0
    let rssMb = 0
    const count = setInterval(() => {
      void Promise.all(ids.map((id) => session(a, id)))
        .then((views) => (most = Math.max(most, views.filter(({ state }) => state === 'working' || state === 'idle').length)))
        .catch(() => {}) // the mesh is closed
      void claudeMemoryMb().then((mb) => (rssMb = Math.max(rssMb, mb)))
    }, 500)
    const ends = await Promise.all(ids.map((id) => inState(a, id, 'done|failed|interrupted', 240_000)))
    clearInterval(count)
    process.stdout.write(`ten sessions: at most ${most} at once, ${rssMb} MB for the agents then\n`)
    expect(most).toBeLessThanOrEqual(3)
    for (const [at, end] of ends.entries()) {
      const own = `${names[at]}.txt`
      if (at < 7) expect.soft(end, JSON.stringify(end)).toMatchObject({ state: 'done', files: [own] })
      else {
        expect.soft(end, JSON.stringify(end)).toMatchObject({ state: 'failed', reason: { code: 'budget' } })
        expect.soft(end.turns).toBeLessThanOrEqual(1)
      }
      // No file of another one is in its tree.
      const diff = await (
        await fetch(`${a.ready.http}/api/sessions/${end.id}/diff`, { headers: { authorization: `Bearer ${a.token}` } })
      ).text()
      for (const other of names) if (other !== names[at]) expect.soft(diff).not.toContain(other)
    }
    expect(new Set(ends.map(({ worker }) => worker)).size).toBeGreaterThan(1)
  })

  test('a 429 with a time is told to the mesh, and the next start waits for it', async () => {
    const { model } = agents
    const [a] = nodes as [RealNode]
    model.script([{ status: 429, retryAfter: 6 }, { text: 'Late, but here.' }], 'first-of-the-limited')
    model.script([{ text: 'I waited.' }], 'second-of-the-limited')
    const { id: first } = await start(a, { prompt: 'first-of-the-limited', worker: 'b' })
    await until(async () => (await session(a, first)).limitedUntil !== undefined, {
      what: 'the limit, seen at another node',
      timeoutMs: 60_000,
    })
    const limitedUntil = (await session(a, first)).limitedUntil ?? 0
    const { id: second } = await start(a, { prompt: 'second-of-the-limited', worker: 'c' })
    await until(async () => (await session(a, second)).reason?.code === 'account-limited', {
      what: 'the second one that waits',
      timeoutMs: 30_000,
    })
    await inState(a, second, 'done')
    expect((await inState(a, first, 'done')).said).toBe('Late, but here.')
    const sent = model.requests.findLastIndex(({ messages }) => JSON.stringify(messages).includes('second-of-the-limited'))
    expect(sent).toBeGreaterThan(0)
    expect(model.times[sent]).toBeGreaterThanOrEqual(limitedUntil)
  })

  test('a session that asks for more memory than is free does not start, and says so', async () => {
    const [a] = nodes as [RealNode]
    const { id } = await start(a, { prompt: 'too large', freeMemoryMb: 50_000_000 })
    await until(async () => (await session(a, id)).reason !== undefined, { what: 'the reason', timeoutMs: 30_000 })
    const view = await session(a, id)
    expect(view.state).toBe('starting')
    expect(view.reason?.message).toContain('50000000 are needed')
    await a.cli('session', 'stop', id)
    await inState(a, id, 'interrupted')
  })
})

/** Resident memory of all agents of this machine, in MB; 0 where the system has no /proc. */
async function claudeMemoryMb(): Promise<number> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  let pages = 0
  for (const pid of pids) {
    const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') // it ended
    if (words.split('\0')[0]?.endsWith('/claude') !== true || !words.includes('--permission-prompt-tool=stdio')) continue
    pages += Number((await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '0 0')).split(' ')[1])
  }
  return Math.round((pages * 4096) / 2 ** 20)
}
