import { afterEach, describe, expect, test, vi } from 'vitest'
import { type RenderedPage, renderPage } from '../render-page.tsx'
import { aService } from '../work-fixtures.ts'

/** The page paints once a frame; the clock of ages ticks once a second. */
const SOON = { timeout: 4_000 }
let page: RenderedPage | undefined
afterEach(() => page?.close())

describe('services', () => {
  test('a mesh without one teaches the command', async () => {
    page = await renderPage('/services')
    await expect.poll(page.text, SOON).toContain('nimbus service start web')
  })

  test('each says where it answers and why it does not; a change comes by itself', async () => {
    const evil = 'exit 1: \u001b[31m<img src=x>\u001b[0m'
    page = await renderPage('/services', ({ state }) =>
      state.services.push(aService('web'), aService('api', { state: 'crash-loop', healthy: false, reason: evil, restarts: 7 })),
    )
    await expect.poll(page.text, SOON).toContain('1 of 2 answer')
    expect(page.text()).toContain('10.0.0.12:8080')
    expect(page.text()).toContain('exit 1: <img src=x>')
    expect(page.text()).not.toContain('\u001b')
    expect(page.root.querySelector('img')).toBeNull()
    page.transport.state.services = [aService('web'), aService('api')]
    page.transport.emit('service.updated', aService('api'))
    await expect.poll(page.text, SOON).toContain('2 of 2 answer')
  })

  test('one that runs and does not answer is not shown as good', async () => {
    page = await renderPage('/services', ({ state }) => state.services.push(aService('web', { healthy: false })))
    await expect.poll(page.text, SOON).toContain('running, does not answer')
  })

  test('one service shows what was not taken; going back, restart and stop ask first', async () => {
    const failed = { revision: 4, reason: 'it did not answer on /health', at: Date.now() }
    page = await renderPage('/services/web', ({ state }) => state.services.push(aService('web', { revision: 4, live: 3, failed })))
    await expect.poll(page.text, SOON).toContain('Revision 4 was not taken; the one before it stayed.')
    expect(page.text()).toContain('It did not answer on /health')
    page.button('Go back to revision 2').click()
    await expect.poll(page.text, SOON).toContain('Go back to revision 2?')
    expect(page.transport.calls).not.toContain('rollback web to 2')
    const confirm = [...page.root.querySelectorAll<HTMLButtonElement>('dialog button')].find(({ textContent }) => textContent === 'Go back')
    confirm?.click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain('rollback web to 2'))
    page.button('Stop').click()
    await expect.poll(page.text, SOON).toContain('Stop web?')
    page.button('Stop service').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain('stop service web'))
    page.button('Restart').click()
    await expect.poll(page.text, SOON).toContain('Start web anew?')
    page.button('Restart service').click()
    await vi.waitFor(() => expect(page?.transport.calls).toContain('restart service web'))
  })

  test('an unknown service is said plainly', async () => {
    page = await renderPage('/services/nothing')
    await expect.poll(page.text, SOON).toContain('No service is called nothing.')
  })
})
