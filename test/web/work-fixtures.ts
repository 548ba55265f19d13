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
