// The ledger of costs: the same in whatever order its records come, each dollar once, and put together as people ask for it.
import { expect, test } from 'vitest'
import { createBookkeeper } from '../../../../node/agents/costs/bookkeeper.ts'
import { costReport, csvOf } from '../../../../node/agents/costs/cost-report.ts'
import { createLedger, type Ledger } from '../../../../node/agents/costs/ledger.ts'
import type { CostRecord } from '../../../../protocols/agents/cost-records.ts'
import type { PeerId } from '../../../../protocols/ids.ts'
import { taskId } from '../../../../protocols/ids.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'
import { blockOf } from '../../messages/post-office.ts'
import { START_MS } from './money.ts'

const [A, B] = ['worker-a', 'worker-b'] as [PeerId, PeerId]
const session = taskId(A, START_MS, new Uint8Array(16))
const counts = (input: number, output: number) => ({ input, output, cacheRead: 0, cacheWrite: 0 })

function record(day: string, model: string, nanoUsd: number, more: Partial<CostRecord> = {}): CostRecord {
  return { kind: 'cost', session, task: session, day, model, tokens: counts(nanoUsd, 1), nanoUsd, ...more }
}

function filled(entries: readonly (readonly [PeerId, CostRecord])[], linesMax?: number): Ledger {
  const ledger = createLedger(() => {}, linesMax)
  for (const [author, entry] of entries) ledger.part.apply(entry, blockOf(author, 1, START_MS * 1024, [entry]))
  return ledger
}

test('records in any order, told again or late, give one state; old days fall out together', () => {
  const entries: [PeerId, CostRecord][] = []
  for (let at = 0; at < 12; at++)
    entries.push([at % 2 === 0 ? A : B, record(`2030-01-${10 + (at % 6)}`, at % 3 === 0 ? 'x' : 'y', 100 * (at + 1))])
  const reference = JSON.stringify(filled(entries, 5).part.state())
  for (let turn = 0; turn < 30; turn++) {
    const order = entries.map((entry, at) => ({ entry, key: (at * 7 + turn * 5 + ((at * turn) % 11)) % 13 }))
    const mixed = [...order.sort((one, other) => one.key - other.key).map(({ entry }) => entry), ...entries.slice(turn % 12)]
    expect(JSON.stringify(filled(mixed, 5).part.state())).toBe(reference)
  }
  expect(filled(entries, 5).floor()).not.toBe('')
  // A day that has not come would never leave a budget.
  expect([...filled([[A, record('2031-01-01', 'x', 1)]]).lines()]).toEqual([])
})

test('a session that moved, was told again or restarted is written down once', () => {
  const clock = createVirtualClock(START_MS)
  const ledger = createLedger(() => {})
  let written = 0
  const of = (self: PeerId) =>
    createBookkeeper({
      self,
      clock,
      ledger,
      append(entry) {
        written += 1
        ledger.part.apply(entry, blockOf(self, written, clock.wallMs() * 1024, [entry]))
      },
    })
  const run = { session, task: session, repo: undefined }
  of(A)(run, [{ model: 'x', tokens: counts(10, 5), costUsd: 0.1 }])
  of(A)(run, [{ model: 'x', tokens: counts(10, 5), costUsd: 0.1 }])
  expect(written).toBe(1)
  of(A)(run, [
    { model: 'x', tokens: counts(30, 6), costUsd: 0.25 },
    { model: 'y', tokens: counts(1, 1), costUsd: 0.01 },
  ])
  clock.advance(86_400_000)
  of(B)(run, [
    { model: 'x', tokens: counts(50, 9), costUsd: 0.45 },
    { model: 'y', tokens: counts(1, 1), costUsd: 0.01 },
  ])
  const facts = {
    wallMs: clock.wallMs(),
    nameOf: (peer: PeerId) => peer,
    labelsOf: () => ({}),
    titleOf: () => 'fix',
    now: { sessions: 0, costUsd: 0 },
  }
  const bySession = costReport(ledger.lines(), { by: 'session' }, facts)
  expect(bySession.items).toEqual([{ key: session, name: 'fix', tokens: counts(51, 10), costUsd: 0.46 }])
  expect(bySession).toMatchObject({ today: 0.2, month: 0.46 })
  expect(costReport(ledger.lines(), { by: 'worker' }, facts).items.map(({ key, costUsd }) => [key, costUsd])).toEqual([
    [A, 0.26],
    [B, 0.2],
  ])
  expect(costReport(ledger.lines(), { by: 'day', model: 'x' }, facts).items.map(({ key, costUsd }) => [key, costUsd])).toEqual([
    ['2030-01-31', 0.2],
    ['2030-01-30', 0.25],
  ])
})

test('the forecast goes on as the last days did; a spreadsheet gets no formulas', () => {
  const day = (date: string, usd: number) => [A, record(date, 'x', usd * 1e9, { repo: '=HYPERLINK("x")' })] as const
  const lines = [...filled([day('2030-01-26', 1), day('2030-01-28', 3), day('2030-01-30', 0.5)]).lines()]
  const facts = {
    wallMs: START_MS,
    nameOf: (peer: PeerId) => peer,
    labelsOf: () => ({ team: 'web' }),
    titleOf: () => undefined,
    now: { sessions: 0, costUsd: 0 },
  }
  // Four days before today with 4 dollars; today is the last but one of the month: 4.5 so far, half a dollar today and one tomorrow.
  expect(costReport(lines, { by: 'day' }, facts)).toMatchObject({ today: 0.5, month: 4.5, forecast: 6 })
  expect(costReport(lines, { by: 'label' }, facts).items).toMatchObject([{ key: 'team=web', costUsd: 4.5 }])
  expect(csvOf(costReport(lines, { by: 'repo' }, facts)).split('\r\n')[1]).toMatch(/^"'=HYPERLINK\(""x""\)",,/)
})
