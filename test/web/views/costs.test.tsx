import { afterEach, describe, expect, test } from 'vitest'
import { aSession } from '../agent-fixtures.ts'
import { type RenderedPage, renderPage } from '../render-page.tsx'
import { aBudget, noCosts } from '../work-fixtures.ts'

/** The page paints once a frame; the clock of ages ticks once a second. */
const SOON = { timeout: 4_000 }
const tokens = { input: 120_000, output: 3_000, cacheRead: 0, cacheWrite: 0 }
let page: RenderedPage | undefined
afterEach(() => page?.close())

describe('costs', () => {
  test('a mesh that spent nothing teaches the commands', async () => {
    page = await renderPage('/costs')
    await expect.poll(page.text, SOON).toContain('nimbus budget set team --usd 20 --per day')
    expect(page.text()).toContain('No session has cost anything yet')
  })

  test('sums, budgets with their levels, tables with their files; a change comes by itself', async () => {
    const evil = '=cmd\u001b[31m<img src=x>'
    const line = { key: evil, tokens, costUsd: 3 }
    const now = { sessions: 2, costUsd: 0.5 }
    page = await renderPage('/costs', ({ state }) => {
      state.costs = { ...noCosts(), items: [line], total: { tokens, costUsd: 3 }, today: 3, month: 12.5, forecast: 40, now }
      state.budgets = [aBudget('team'), aBudget('web', { spentUsd: 20.1, level: 'exhausted', label: 'team=web' })]
    })
    await expect.poll(page.text, SOON).toContain('$40.00')
    for (const word of ['$12.50', '2 sessions at work', 'exhausted', 'team=web', '15%', '101%', '123K', 'By repository', '=cmd<img src=x>'])
      expect(page.text()).toContain(word)
    expect(page.text()).not.toContain('\u001b')
    expect(page.root.querySelector('img')).toBeNull()
    const files = [...page.root.querySelectorAll<HTMLAnchorElement>('a[download]')].map((link) => link.getAttribute('href'))
    expect(files).toContain('/api/costs?by=model&format=csv')
    expect(files).toHaveLength(8)
    page.transport.state.costs = { ...page.transport.state.costs, today: 4 }
    page.transport.emit('session.updated', aSession(1, 'idle'))
    await expect.poll(page.text, SOON).toContain('$4.00 today')
  })
})
