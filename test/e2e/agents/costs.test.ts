// Money: what the mesh writes down is what Claude Code itself says, and a budget of the mesh stops sessions between two turns, with words,
// on whichever worker they run; raised, they go on.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BudgetView, CostGroup, CostsView } from '../../../protocols/agents/cost-views.ts'
import type { TaskView } from '../../../protocols/http/views.ts'
import { createGitServer, type GitServer } from '../../support/git-http.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { type AgentMesh, bwrap, claude, createAgentMesh, inState, messages, order, session, start, watch } from './agent-mesh.ts'

describe.skipIf(!claude.present || !bwrap.present)(bwrap.title(claude.title('costs and budgets')), () => {
  let agents: AgentMesh
  let git: GitServer
  let a: RealNode
  let first: string
  beforeAll(async () => {
    git = await createGitServer()
    agents = await createAgentMesh()
    a = await agents.add('a')
    await agents.add('b', ['--label', 'team=web', '--slots', '4'])
    await agents.mesh.settled()
  })
  afterAll(async () => {
    await agents?.close()
    await git?.close()
  })
  const costs = async (by: CostGroup, more = ''): Promise<CostsView> => (await a.api<CostsView>(`/api/costs?by=${by}${more}`)).body

  test('costs by session, worker, repository, model, label and day are what the agent said of its turns', async () => {
    const { model } = agents
    const repo = git.repo('counted', { 'a.txt': 'a\n' })
    model.script(
      [
        { tools: [{ name: 'Bash', input: { command: 'echo one', description: 'x' } }], usage: { input: 2_000, output: 30 } },
        { text: 'First.', usage: { input: 2_100, output: 20 } },
        { text: 'Second.', usage: { input: 2_200, output: 25 } },
      ],
      'count-the-costs',
    )
    first = (await start(a, { prompt: 'count-the-costs', repo: repo.url, worker: 'b', idle: '10m', name: 'counter' })).id
    await inState(a, first, 'idle|failed')
    await order(a, first, 'send', { text: 'again' })
    await until(async () => (await session(a, first)).turns === 2, { what: 'the second turn', timeoutMs: 60_000 })
    const view = await session(a, first)
    const said = (await messages(a, first)).flatMap(({ event }) => (event.type === 'turn' ? [event as { costUsd?: number }] : [])).at(-1)
    expect(view.costUsd).toBeGreaterThan(0)
    expect(view.costUsd).toBe(said?.costUsd)
    await until(async () => Math.abs((await costs('session')).total.costUsd - view.costUsd) < 1e-8, { what: 'the costs, at another node' })
    const { input, output } = view.tokens
    const line = { tokens: { input, output } }
    expect((await costs('session')).items).toMatchObject([{ key: first, name: 'counter', ...line }])
    expect((await costs('worker')).items).toMatchObject([{ name: 'b', ...line }])
    expect((await costs('repo')).items).toMatchObject([{ key: repo.url, ...line }])
    expect((await costs('model')).items).toMatchObject([{ key: view.model, ...line }])
    expect((await costs('label')).items).toMatchObject([{ key: 'team=web', ...line }])
    expect((await costs('day')).items).toHaveLength(1)
    expect((await costs('day', '&to=2001-01-01')).items).toEqual([])
    const told = await a.cli('cost', '--by', 'worker', '--json')
    expect((JSON.parse(told.stdout) as CostsView).total.costUsd).toBeCloseTo(view.costUsd, 8)
    const csv = await fetch(`${a.ready.http}/api/costs?by=model&format=csv`, { headers: { authorization: `Bearer ${a.token}` } })
    expect((await csv.text()).split('\r\n')[1]).toContain(`${view.model},,${input},${output},`)
  })

  test('at 100 % the turn that runs finishes, the next one and the next session wait and say why; raised, all go on', async () => {
    const { model } = agents
    const events = watch(a, 'budget.updated')
    const dear = { text: 'Dear.', usage: { input: 2_000_000, output: 10 } }
    model.script([dear, { text: 'Went on.' }], 'spend-the-budget')
    const set = await a.cli('budget', 'set', 'team', '--usd', '1', '--per', 'total', '--label', 'team=web', '--json')
    expect(JSON.parse(set.stdout) as BudgetView).toMatchObject({ name: 'team', usd: 1, label: 'team=web', level: 'ok' })
    const { id } = await start(a, { prompt: 'spend-the-budget', worker: 'b', idle: '10m' })
    await until(async () => (await session(a, id)).turns === 1, { what: 'the turn that spends it', timeoutMs: 60_000 })
    const asked = model.requests.length
    await order(a, id, 'send', { text: 'more' })
    await order(a, first, 'send', { text: 'me too' })
    for (const one of [id, first])
      await until(async () => (await session(a, one)).reason?.code === 'budget-exhausted', {
        what: `the reason of ${one}`,
        timeoutMs: 60_000,
      })
    expect(await session(a, id)).toMatchObject({ state: 'idle', turns: 1 })
    expect((await session(a, id)).reason?.message).toContain('Budget team is spent')
    // What has not begun is not even claimed, and anywhere else there is money.
    const { id: late } = await start(a, { prompt: 'too late', worker: 'b' })
    const { id: elsewhere } = await start(a, { prompt: 'not of that label', worker: 'a' })
    await inState(a, elsewhere, 'done|failed')
    expect(await session(a, late)).toMatchObject({ state: 'starting', reason: { code: 'budget-exhausted' } })
    const why = await a.cli('task', 'why', late)
    expect(why.stdout).toContain('Budget team is spent')
    expect(model.requests.slice(asked).filter(({ messages: said }) => !JSON.stringify(said).includes('not of that label'))).toEqual([])
    expect((await a.api<{ items: BudgetView[] }>('/api/budgets')).body.items).toMatchObject([{ name: 'team', level: 'exhausted' }])
    expect(events.seen.map(({ event }) => (event.data as BudgetView).level)).toEqual(expect.arrayContaining(['ok', 'exhausted']))
    events.stop()

    await a.cli('budget', 'set', 'team', '--usd', '1000', '--per', 'total', '--label', 'team=web')
    await until(async () => (await session(a, id)).said === 'Went on.', { what: 'the prompt that waited', timeoutMs: 60_000 })
    await inState(a, late, 'done')
    expect((await session(a, id)).reason).toBeUndefined()
    const task = (await a.api<TaskView>(`/api/tasks/${late}`)).body
    expect(task.attempts).toHaveLength(1)
    expect((await a.cli('budget', 'rm', 'team')).code).toBe(0)
    for (const one of [id, first]) await order(a, one, 'stop')
  })
})
