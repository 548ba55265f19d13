// What every part and view may reach: the models of this page, through one context and no module state.
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { PageClock } from '../models/page/clock.ts'
import type { Dashboard } from '../models/dashboard.ts'
import type { Notices } from '../models/page/notices.ts'
import type { Passage } from '../models/page/passage.ts'
import type { Preferences } from '../models/page/preferences.ts'
import type { Router } from '../models/page/router.ts'

export type PageModels = {
  dashboard: Dashboard
  router: Router
  preferences: Preferences
  notices: Notices
  clock: PageClock
  passage: Passage
}

export const PageContext = createContext<PageModels | undefined>(undefined)

export function usePage(): PageModels {
  const models = useContext(PageContext)
  if (models === undefined) throw new Error('a view is rendered outside PageContext')
  return models
}
