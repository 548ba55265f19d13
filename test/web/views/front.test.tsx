// What stands around and before all pages: the command palette, and what matters most on the overview.
import { afterEach, describe, expect, test } from 'vitest'
import { aTask } from '../fixtures.ts'
import { type RenderedPage, renderPage } from '../render-page.tsx'

const SOON = { timeout: 10_000 }
let page: RenderedPage | undefined
afterEach(() => page?.close())

describe('the command palette', () => {
  const press = (key: string, init: KeyboardEventInit = {}) =>
    (document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...init }))

  test('goes to a task by its name with the keyboard alone, and stays closed where shortcuts are off', async () => {
    page = await renderPage('/')
    await expect.poll(page.text, SOON).toContain('Live through alder')
    page.models.preferences.shortcuts.value = false
    press('k', { ctrlKey: true })
    expect(page.models.dashboard.dialog.value).toBe('none')
    page.models.preferences.shortcuts.value = true
    press('k', { ctrlKey: true })
    const field = () => page?.root.querySelector<HTMLInputElement>('[role=combobox]')
    await expect.poll(field, SOON).toBeTruthy()
    const options = () => [...(page?.root.querySelectorAll('[role=option]') ?? [])].map((option) => option.textContent ?? '')
    expect(options()[0]).toContain('Overview')
    const input = field() as HTMLInputElement
    input.value = 'build web'
    input.dispatchEvent(new Event('input', { bubbles: true }))
    await expect.poll(() => options()[0], SOON).toContain('build web')
    const enter = new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true })
    input.dispatchEvent(enter)
    expect(page.models.router.place.value.path).toMatch(/^\/tasks\/./)
    expect(page.models.dashboard.dialog.value).toBe('none')
  })
})

test('the overview shows the open tasks of the highest priority first, and why they wait', async () => {
  page = await renderPage('/', (transport) => {
    const waiting = { code: 'skill', message: 'nobody has the skill fpga', since: Date.now(), cure: 'Start one.' }
    const spec = (name: string, priority: number) => ({ argv: ['true'], name, priority })
    transport.state.tasks = [
      aTask(1, 'ready', { spec: spec('ordinary', 5) }),
      aTask(2, 'ready', { spec: spec('urgent', 9), waiting }),
      aTask(3, 'succeeded', { spec: spec('over', 9) }),
    ]
  })
  const rows = () => [...(page?.root.querySelectorAll('[aria-labelledby=priorities] li') ?? [])].map((row) => row.textContent ?? '')
  await expect.poll(rows, SOON).toEqual([expect.stringContaining('urgent'), expect.stringContaining('ordinary')])
  expect(rows()[0]).toContain('priority 9 · Nobody has the skill fpga.')
})
