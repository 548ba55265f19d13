// Budgets: what workers may spend is what they reserved, on both sides of a partition, and no two reserve the same.
import { expect, test } from 'vitest'
import { keyOf } from '../../../../node/agents/costs/purse.ts'
import { createSeededRandom } from '../../../../node/kernel/random.ts'
import type { ModelUse } from '../../../../protocols/agents/agent-events.ts'
import { NANO } from '../../../../protocols/agents/cost-records.ts'
import type { PeerId } from '../../../../protocols/ids.ts'
import { taskId } from '../../../../protocols/ids.ts'
import { createMoneyMesh, type MoneyMesh, type MoneyWorker, START_MS } from './money.ts'

const tokens = { input: 10, output: 1, cacheRead: 0, cacheWrite: 0 }
const use = (costUsd: number): ModelUse[] => [{ model: 'm', tokens, costUsd }]
const sessionOf = (worker: MoneyWorker) => taskId(worker.peer, START_MS, new Uint8Array(16))

/** One turn, if the purse lets it begin. @returns whether it did */
function turn(worker: MoneyWorker, spent: Map<PeerId, number>, costUsd: number): Promise<boolean> {
  return worker.purse.ask({ repo: undefined }).then((reason) => {
    if (reason !== undefined) return false
    spent.set(worker.peer, (spent.get(worker.peer) ?? 0) + costUsd)
    const task = sessionOf(worker)
    worker.book({ session: task, task, repo: undefined }, use(spent.get(worker.peer) ?? 0))
    return true
  })
}

const sum = (spent: Map<PeerId, number>): number => [...spent.values()].reduce((so, one) => so + one, 0)

test('turns begin until the budget is spent, then wait and say why; raised or on the next day they go on', async () => {
  const mesh = createMoneyMesh(1)
  const [a] = mesh.workers as [MoneyWorker]
  const spent = new Map<PeerId, number>()
  mesh.setBudget('daily', { nanoUsd: 5 * NANO, per: 'day' })
  let turns = 0
  while (await turn(a, spent, 0.4)) turns += 1
  expect(turns).toBe(13) // the thirteenth began below five dollars and finished
  expect(await a.purse.ask({ repo: undefined })).toMatchObject({
    code: 'budget-exhausted',
    message: 'Budget daily is spent: 5.20 of 5.00 USD (day 2030-01-30).',
  })
  mesh.setBudget('daily', { nanoUsd: 6 * NANO, per: 'day' })
  expect(await turn(a, spent, 1)).toBe(true)
  expect(await turn(a, spent, 1)).toBe(false)
  mesh.clock.advance(86_400_000)
  expect(await turn(a, spent, 1)).toBe(true)
  mesh.setBudget('all', { nanoUsd: 7 * NANO, per: 'total' })
  expect(await a.purse.ask({ repo: undefined })).toMatchObject({ code: 'budget-exhausted' })
})

test('a budget is for its worker, its repository or its label alone', async () => {
  const mesh = createMoneyMesh(2, { 'worker-1': { team: 'web' } })
  const [a, b] = mesh.workers as [MoneyWorker, MoneyWorker]
  const task = sessionOf(a)
  const [repo, other] = ['https://example.org/a.git', 'https://example.org/b.git']
  a.book({ session: task, task, repo }, use(2))
  mesh.setBudget('one', { nanoUsd: NANO, per: 'month', repo })
  expect(await a.purse.ask({ repo })).toMatchObject({ code: 'budget-exhausted' })
  expect(b.purse.look({ repo, worker: a.peer })).toMatchObject({ code: 'budget-exhausted' })
  expect(await a.purse.ask({ repo: other })).toBeUndefined()
  mesh.setBudget('one', { nanoUsd: NANO, per: 'month', worker: a.peer })
  expect(await a.purse.ask({ repo: other })).toMatchObject({ code: 'budget-exhausted' })
  expect(await b.purse.ask({ repo })).toBeUndefined()
  mesh.setBudget('one', { nanoUsd: NANO, per: 'month', label: ['team', 'web'] })
  expect(await a.purse.ask({ repo })).toBeUndefined()
  expect(await b.purse.ask({ repo })).toBeUndefined()
})

test('cut off from the majority a worker spends its share and stops; what both sides spend is never more than the budget and a turn each', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = createSeededRandom(seed).next
    const mesh: MoneyMesh = createMoneyMesh(3)
    const spent = new Map<PeerId, number>()
    const limit = 10
    const turnMax = 0.3
    mesh.setBudget('b', { nanoUsd: limit * NANO, per: 'total' })
    const [lone] = mesh.workers.slice(-1) as [MoneyWorker]
    for (const worker of mesh.workers) for (let at = 0; at < 1 + random() * 3; at++) await turn(worker, spent, random() * turnMax)
    mesh.majority.delete(lone.peer)
    let loneTurns = 0
    for (let silent = 0; silent < 30; ) {
      const worker = mesh.workers[Math.floor(random() * 3)] as MoneyWorker
      const began = await turn(worker, spent, random() * turnMax)
      silent = began ? 0 : silent + 1
      if (began && worker === lone) loneTurns += 1
    }
    expect(sum(spent), `seed ${seed}`).toBeLessThanOrEqual(limit + 3 * turnMax)
    expect((await lone.purse.ask({ repo: undefined }))?.code, `seed ${seed}`).toMatch(/budget-(unreachable|exhausted)/)
    // Early, not at once, and not the whole of it: what it had reserved.
    const reserved = mesh.registers.get(keyOf({ name: 'b' }))?.name?.budget?.shares.find(([peer]) => peer === lone.peer)?.[1] ?? 0
    expect((spent.get(lone.peer) ?? 0) * NANO, `seed ${seed}: ${loneTurns} turns alone`).toBeLessThanOrEqual(reserved + turnMax * NANO)
    mesh.heal()
    // Together they spend what is left, and no more.
    for (let silent = 0; silent < 30; )
      silent = (await turn(mesh.workers[Math.floor(random() * 3)] as MoneyWorker, spent, random() * turnMax)) ? 0 : silent + 1
    expect(sum(spent), `seed ${seed}`).toBeLessThanOrEqual(limit + 3 * turnMax)
    // Who has nothing to do gives back: the others may spend that too.
    for (const worker of mesh.workers) await worker.purse.giveBack()
    for (let silent = 0; silent < 3; ) silent = (await turn(mesh.workers[0] as MoneyWorker, spent, random() * turnMax)) ? 0 : silent + 1
    expect(sum(spent), `seed ${seed}`).toBeGreaterThanOrEqual(limit)
    expect(sum(spent), `seed ${seed}`).toBeLessThanOrEqual(limit + 4 * turnMax)
  }
})

test('a worker whose clock is behind does not open a day again that is over', async () => {
  const mesh = createMoneyMesh(2)
  const [a, b] = mesh.workers as [MoneyWorker, MoneyWorker]
  mesh.setBudget('daily', { nanoUsd: NANO, per: 'day' })
  mesh.registers.set(keyOf({ name: 'daily' }), {
    version: 4,
    epoch: 0,
    state: 'free',
    attempt: 1,
    name: { budget: { period: 'day 2030-01-31', shares: [[b.peer, NANO]] } },
  })
  expect(await a.purse.ask({ repo: undefined })).toMatchObject({ code: 'budget-reserved' })
})
