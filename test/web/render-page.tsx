// Puts the whole page on a fake transport at an address, and finds things in it by their names. Each test gets its own.
import { signal } from '@preact/signals'
import { render } from 'preact'
import { createPageClock } from '../../web/src/models/page/clock.ts'
import { createDashboard } from '../../web/src/models/dashboard.ts'
import { createNotices } from '../../web/src/models/page/notices.ts'
import { createPreferences } from '../../web/src/models/page/preferences.ts'
import { createRouter } from '../../web/src/models/page/router.ts'
import { PageContext, type PageModels } from '../../web/src/parts/page-context.ts'
import { App } from '../../web/src/views/app.tsx'
import { type FakeTransport, createFakeTransport } from './fake-transport.ts'

export type RenderedPage = {
  root: HTMLElement
  transport: FakeTransport
  models: PageModels
  /** The text of the page, whitespace made single. */
  text(): string
  button(name: string): HTMLButtonElement
  /** The control whose label is this. */
  field(label: string): HTMLInputElement
  type(label: string, text: string): void
  close(): void
}

export async function renderPage(path: string, prepare: (transport: FakeTransport) => void = () => undefined): Promise<RenderedPage> {
  history.replaceState(null, '', path)
  const transport = createFakeTransport()
  prepare(transport)
  const dashboard = createDashboard(transport)
  const models = {
    dashboard,
    router: createRouter(),
    preferences: createPreferences(undefined, document.documentElement),
    notices: createNotices(),
    clock: createPageClock(),
    passage: { offered: signal(undefined), stop: () => undefined },
  }
  const root = document.createElement('div')
  document.body.append(root)
  render(<PageContext.Provider value={models} children={<App />} />, root)
  await dashboard.start()

  const text = () => (root.textContent ?? '').replace(/\s+/g, ' ')
  const field = (label: string) => {
    const found = [...root.querySelectorAll('label')].find((element) => element.textContent?.trim() === label)
    const control = root.querySelector<HTMLInputElement>(`[id="${found?.htmlFor ?? ''}"]`)
    if (control === null) throw new Error(`no field is labelled ${label}`)
    return control
  }
  return {
    root,
    transport,
    models,
    text,
    field,
    button(name) {
      const found = [...root.querySelectorAll('button')].find(
        (element) => element.textContent?.trim() === name || element.getAttribute('aria-label') === name,
      )
      if (found === undefined) throw new Error(`no button is named ${name}`)
      return found
    },
    type(label, value) {
      const control = field(label)
      control.value = value
      control.dispatchEvent(new Event('input', { bubbles: true }))
    },
    close() {
      render(null, root)
      root.remove()
      dashboard.stop()
      models.router.stop()
      models.clock.stop()
    },
  }
}
