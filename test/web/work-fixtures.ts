// Services and costs in the shapes of the API.
import type { BudgetView, CostsView } from '../../protocols/agents/cost-views.ts'
import type { ServiceView } from '../../protocols/http/services.ts'
import { peerIdOf } from './fixtures.ts'

const MINUTE = 60_000

export function aService(name: string, more: Partial<ServiceView> = {}): ServiceView {
  return {
    name,
    state: 'running',
    desired: 'running',
    healthy: true,
    worker: peerIdOf('birch'),
    workerName: 'birch',
    address: '10.0.0.12:8080',
    task: '01js0001q7wk3mv8t2ga5znc9x',
    revision: 3,
    live: 3,
    since: Date.now() - 90 * MINUTE,
    restarts: 0,
    revisions: [
      { revision: 3, argv: ['node', 'server.js'], repo: 'https://example.org/app.git', ref: 'main' },
      { revision: 2, argv: ['node', 'server.js', '--old'] },
    ],
    author: peerIdOf('alder'),
    authorName: 'alder',
    changedAt: Date.now() - 95 * MINUTE,
    spec: { argv: ['node', 'server.js'] },
    ...more,
  }
}

const NO_TOKENS = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }

export function noCosts(): CostsView {
  const sums = { today: 0, month: 0, forecast: 0, now: { sessions: 0, costUsd: 0 } }
  return { by: 'day', items: [], total: { tokens: NO_TOKENS, costUsd: 0 }, ...sums }
}

export function aBudget(name: string, more: Partial<BudgetView> = {}): BudgetView {
  return { name, usd: 20, per: 'day', period: '2030-01-31', spentUsd: 3, reservedUsd: 1, level: 'ok', ...more }
}

export function someBudgets(): BudgetView[] {
  return [
    aBudget('team'),
    aBudget('web', { spentUsd: 17, level: 'warning', label: 'team=web', per: 'month', period: '2030-01' }),
    aBudget('trial', {
      usd: 5,
      spentUsd: 5.2,
      reservedUsd: 0,
      level: 'exhausted',
      repo: 'https://example.org/a/rather/long/address/app.git',
    }),
  ]
}

export function someCosts(by: string) {
  const tokens = { input: 1_240_000, output: 31_000, cacheRead: 900_000, cacheWrite: 12_000 }
  const keys: Record<string, string[]> = {
    day: ['2030-01-31', '2030-01-30', '2030-01-29'],
    worker: ['birch', 'cedar', 'maple'],
    repo: ['https://example.org/a/rather/long/address/of/a/repository/app.git', 'https://example.org/lib.git', ''],
    model: ['claude-opus-4-1', 'claude-haiku-4-5', 'other'],
  }
  const items = (keys[by] ?? []).map((key, at) => ({ key, tokens, costUsd: [7.31, 2.4, 0.0123][at] ?? 0 }))
  const now = { sessions: 2, costUsd: 1.07 }
  return { ...noCosts(), by, items, total: { tokens, costUsd: 9.7223 }, today: 7.31, month: 9.72, forecast: 38.5, now }
}
