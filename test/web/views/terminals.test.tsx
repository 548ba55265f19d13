import { afterEach, expect, test, vi } from 'vitest'
import { aTerminal } from '../agent-fixtures.ts'
import { type RenderedPage, renderPage } from '../render-page.tsx'

const SOON = { timeout: 4_000 }
let page: RenderedPage | undefined
afterEach(() => page?.close())

test('no terminal teaches the command; those that are open are listed as inert text', async () => {
  page = await renderPage('/terminals')
  await expect.poll(page.text, SOON).toContain('nimbus terminal open --worker')
  page.transport.state.terminals.push(aTerminal(1, { name: '<b>x</b>\u001b[31m' }), aTerminal(2))
  await page.models.dashboard.terminals.load()
  await expect.poll(page.text, SOON).toContain('2 open')
  expect(page.text()).toContain('<b>x</b>')
  expect(page.root.querySelector(`a[href="/terminals/${aTerminal(2).id}"]`)?.textContent).toBe('htop --tree')
})

test('one is opened with a command that is split as a shell splits it, or run by one', async () => {
  page = await renderPage('/terminals', ({ state }) => state.terminals.push(aTerminal(1)))
  await expect.poll(page.text, SOON).toContain('1 open')
  page.button('Open a terminal').click()
  await vi.waitFor(() => expect(page?.field('Command').value).toBe('bash'))
  page.type('Command', 'top -d "1 2" | cat')
  await expect.poll(page.text, SOON).toContain('run by sh -c, because of |')
  page.button('Open').click()
  await vi.waitFor(() => expect(page?.transport.calls).toContain('open terminal {"argv":["sh","-c","top -d \\"1 2\\" | cat"]}'))
})
