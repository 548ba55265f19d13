// The page's one composition root: transport, models, views.
import './styles/index.css'
import { render } from 'preact'
import { createPageClock } from './models/page/clock.ts'
import { createDashboard } from './models/dashboard.ts'
import { createNotices } from './models/page/notices.ts'
import { createPreferences } from './models/page/preferences.ts'
import { createRouter } from './models/page/router.ts'
import { PageContext } from './parts/page-context.ts'
import { createHttpTransport } from './transport/http-transport.ts'
import { App } from './views/app.tsx'

const preferences = createPreferences(storage(), document.documentElement)
const dashboard = createDashboard(createHttpTransport({ onSignedOut: () => dashboard.signedOut() }))
const models = { dashboard, preferences, router: createRouter(), notices: createNotices(), clock: createPageClock() }

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
