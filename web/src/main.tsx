// The page's one composition root: transport, models, views.
import './styles/index.css'
import { render } from 'preact'
import { computed } from '@preact/signals'
import { createPageClock } from './models/page/clock.ts'
import { createDashboard } from './models/dashboard.ts'
import { createNotices } from './models/page/notices.ts'
import { arrive, createPassage } from './models/page/passage.ts'
import { createPreferences } from './models/page/preferences.ts'
import { createRouter } from './models/page/router.ts'
import { PageContext } from './parts/page-context.ts'
import { createHttpTransport } from './transport/http-transport.ts'
import { App } from './views/app.tsx'

const { since, arrived } = arrive(window)
const preferences = createPreferences(storage(), document.documentElement)
const transport = createHttpTransport({ onSignedOut: () => dashboard.signedOut() })
const dashboard = createDashboard(transport, since)
const { stream, cursor, fleet } = dashboard
const passage = createPassage({
  passes: transport.passes,
  alive: transport.alive,
  stream,
  cursor,
  workers: computed(() => fleet.workers.value.flatMap(({ self, state, peerId }) => (self || state !== 'alive' ? [] : [peerId])).join()),
  isAlive: (worker) => fleet.find(worker)?.state === 'alive',
  place: () => location.pathname + location.search,
  isBusy: () => document.querySelector('dialog[open]') !== null,
  leave: (url) => location.replace(url),
})
const models = { dashboard, preferences, router: createRouter(), notices: createNotices(), clock: createPageClock(), passage }
if (arrived) models.notices.done('This page goes on here: the node that served it does not answer.')

const root = document.querySelector('#app')
if (root === null) throw new Error('index.html has no #app')
render(
  <PageContext.Provider value={models}>
    <App />
  </PageContext.Provider>,
  root,
)
void dashboard.start()

/** Reading `localStorage` throws where cookies are refused. */
function storage(): Storage | undefined {
  try {
    return window.localStorage
  } catch {
    // Refused: preferences last until the page is left.
    return undefined
  }
}
