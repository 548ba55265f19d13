// The frame around every page: where one can go, through which node one looks, and how live that view is.
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useMemo } from 'preact/hooks'
import { PALETTE_KEYS, type Shortcut, listenForShortcuts } from '../../models/page/shortcuts.ts'
import { asksOf } from '../../models/agents/session-facts.ts'
import type { Theme } from '../../models/page/preferences.ts'
import { CloudMark, Icon } from '../../parts/icons.tsx'
import { usePage } from '../../parts/page-context.ts'
import { InviteDialog, Palette, PublishDialog, ShortcutsDialog } from '../lazy-views.ts'
import { Connection, ConnectionBanner } from './connection.tsx'
import { NoticeList } from './notice-list.tsx'

const PLACES = [
  { href: '/', name: 'Overview', icon: 'overview', keys: 'g o' },
  { href: '/workers', name: 'Workers', icon: 'workers', keys: 'g w' },
  { href: '/tasks', name: 'Tasks', icon: 'tasks', keys: 'g t' },
  { href: '/sessions', name: 'Sessions', icon: 'agent', keys: 'g a' },
  { href: '/terminals', name: 'Terminals', icon: 'terminal', keys: 'g e' },
  { href: '/questions', name: 'Questions', icon: 'question', keys: 'g q' },
  { href: '/services', name: 'Services', icon: 'service', keys: 'g v' },
  { href: '/builds', name: 'Builds', icon: 'build', keys: 'g b' },
  { href: '/repos', name: 'Repositories', icon: 'repo', keys: 'g r' },
  { href: '/timeline', name: 'Timeline', icon: 'spans', keys: 'g i' },
  { href: '/logs', name: 'Logs', icon: 'lines', keys: 'g l' },
  { href: '/schedules', name: 'Schedules', icon: 'clock', keys: 'g s' },
  { href: '/messages', name: 'Messages', icon: 'letter', keys: 'g c' },
  { href: '/costs', name: 'Costs', icon: 'coin', keys: 'g p' },
  { href: '/mesh', name: 'Mesh', icon: 'mesh', keys: 'g m' },
] as const

const AMOUNT_TITLES: Record<string, string> = {
  '/tasks': 'running and ready',
  '/workers': 'members of the mesh',
  '/questions': 'wait for you',
}

export function Shell(props: { children: ComponentChildren }) {
  const { dashboard, preferences } = usePage()
  const shortcuts = useShortcuts()
  // With the first paint, not after it: a key pressed at once counts.
  useLayoutEffect(() => listenForShortcuts(shortcuts, () => preferences.shortcuts.value), [shortcuts])
  const close = () => {
    dashboard.dialog.value = 'none'
  }
  const dialog = dashboard.dialog.value
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <aside class="rail">
        <a class="brand" href="/">
          <CloudMark />
          <span>Nimbus</span>
        </a>
        <button type="button" class="primary publish" aria-keyshortcuts="n" onClick={() => (dashboard.dialog.value = 'publish')}>
          <Icon name="plus" />
          <span>Publish task</span>
        </button>
        <Navigation />
        <div class="rail-foot">
          <Connection />
          <div class="rail-tools">
            <ThemeButton />
            <button
              type="button"
              class="quiet icon-only"
              aria-label="Keyboard shortcuts"
              title="Keyboard shortcuts (?)"
              onClick={() => (dashboard.dialog.value = 'shortcuts')}
            >
              <Icon name="keys" />
            </button>
            <a class="quiet button" href="/docs">
              API
            </a>
          </div>
        </div>
      </aside>
      <main id="main" tabIndex={-1}>
        <ConnectionBanner />
        {props.children}
      </main>
      {dialog === 'publish' && <PublishDialog onClose={close} />}
      {dialog === 'invite' && <InviteDialog onClose={close} />}
      {dialog === 'palette' && <Palette shortcuts={shortcuts} onClose={close} />}
      {dialog === 'shortcuts' && <ShortcutsDialog shortcuts={shortcuts} onClose={close} />}
      <NoticeList />
    </div>
  )
}

function Navigation() {
  const { router, dashboard } = usePage()
  const here = `/${router.place.value.path.split('/')[1] ?? ''}`
  const counts = dashboard.fleet.counts.value
  const workers = dashboard.fleet.workers.value.length
  const asked = dashboard.questions.items.value?.filter(({ state }) => state === 'open').length ?? 0
  const waiting = asked + asksOf(dashboard.sessions.items.value ?? []).length
  const amounts: Record<string, number | undefined> = {
    '/workers': workers || undefined,
    '/questions': waiting || undefined,
    '/tasks': (counts.running ?? 0) + (counts.ready ?? 0) || undefined,
  }
  return (
    <nav aria-label="Pages">
      <ul>
        {PLACES.map((place) => (
          <li key={place.href}>
            <a href={place.href} aria-current={place.href === here ? 'page' : undefined} aria-keyshortcuts={place.keys}>
              <Icon name={place.icon} />
              <span>{place.name}</span>
              {amounts[place.href] !== undefined && (
                <span class="amount" title={AMOUNT_TITLES[place.href]}>
                  {amounts[place.href]}
                </span>
              )}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

const NEXT_THEME: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
const THEME_ICONS = { system: 'auto', light: 'sun', dark: 'moon' } as const

function ThemeButton() {
  const { preferences } = usePage()
  const theme = preferences.theme.value
  const text = `Theme: ${theme === 'system' ? 'as the system' : theme}`
  return (
    <button
      type="button"
      class="quiet icon-only"
      aria-label={text}
      title={text}
      onClick={() => (preferences.theme.value = NEXT_THEME[theme])}
    >
      <Icon name={THEME_ICONS[theme]} />
    </button>
  )
}

function useShortcuts(): Shortcut[] {
  const { dashboard, router, preferences } = usePage()
  return useMemo(
    () => [
      ...PLACES.map((place) => ({ keys: place.keys, does: `Go to ${place.name}`, run: () => router.go(place.href) })),
      { keys: 'n', does: 'Publish a task', run: () => (dashboard.dialog.value = 'publish') },
      { keys: 'i', does: 'Invite a machine', run: () => (dashboard.dialog.value = 'invite') },
      { keys: '/', does: 'Filter tasks', run: () => focusFilter(router.go) },
      { keys: 't', does: 'Change the theme', run: () => (preferences.theme.value = NEXT_THEME[preferences.theme.value]) },
      { keys: PALETTE_KEYS, does: 'Go to or do anything by name', run: () => (dashboard.dialog.value = 'palette') },
      { keys: '?', does: 'This list', run: () => (dashboard.dialog.value = 'shortcuts') },
    ],
    [dashboard, router, preferences],
  )
}

function focusFilter(go: (to: string) => void): void {
  if (location.pathname !== '/tasks') go('/tasks')
  requestAnimationFrame(() => document.querySelector<HTMLInputElement>('#task-filter')?.focus())
}
