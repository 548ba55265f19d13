// Photographs the pages of the dashboard over the stand-in, in both sizes and themes, and says what no page may do: a
// console error, a refused content-security rule, a request to another origin, a page wider than the screen, and what
// axe-core finds: both themes, once in each size.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { aSession, aTerminal } from '../../web/agent-fixtures.ts'
import { aBuild } from '../../web/code-fixtures.ts'
import { peerIdOf } from '../../web/fixtures.ts'
import { type StandIn, startStandIn } from './stand-in.ts'

const require = createRequire(import.meta.url)
const SIZES = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const
/** Nothing of the browser may reach for another machine. */
export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]

export type Shot = { name: string; path: (standIn: StandIn) => string; prepare?: (page: Page, standIn: StandIn) => Promise<void> }

const taskAt = (index: number) => (standIn: StandIn) => `/tasks/${standIn.state.tasks[index]?.id}`
const at = (path: string) => () => path

export const SHOTS: readonly Shot[] = [
  { name: 'overview', path: at('/') },
  { name: 'workers', path: at('/workers') },
  { name: 'workers-table', path: at('/workers?as=table') },
  { name: 'worker', path: at(`/workers/${peerIdOf('birch')}`) },
  { name: 'tasks', path: at('/tasks') },
  { name: 'tasks-filtered', path: at('/tasks?state=failed') },
  { name: 'tasks-none', path: at('/tasks?q=nothing-like-this') },
  { name: 'task-cloning', path: taskAt(0) },
  { name: 'task-running', path: taskAt(1), prepare: (page) => page.locator('.line').last().waitFor() },
  { name: 'task-waiting', path: taskAt(2) },
  { name: 'task-dead', path: taskAt(4), prepare: (page) => page.locator('.line').last().waitFor() },
  { name: 'schedules', path: at('/schedules') },
  { name: 'messages', path: at('/messages') },
  { name: 'sessions', path: at('/sessions') },
  { name: 'session', path: at(`/sessions/${aSession(1, 'waiting').id}`), prepare: (page) => page.getByText('1 of 40 failed').waitFor() },
  {
    name: 'session-move',
    path: at(`/sessions/${aSession(1, 'waiting').id}`),
    prepare: (page) => page.getByRole('button', { name: 'Move' }).click(),
  },
  { name: 'terminals', path: at('/terminals') },
  { name: 'terminal', path: at(`/terminals/${aTerminal(1).id}`), prepare: (page) => page.getByText('1 root').waitFor() },
  { name: 'questions', path: at('/questions') },
  { name: 'services', path: at('/services') },
  { name: 'service', path: at('/services/web') },
  { name: 'builds', path: at('/builds') },
  { name: 'build', path: at(`/builds/${aBuild(2, 'failed').id}`), prepare: verify },
  { name: 'repos', path: at('/repos') },
  { name: 'repo', path: at('/repos/app') },
  { name: 'hosted-repo', path: at('/repos/mesh/library') },
  { name: 'logs', path: at('/logs'), prepare: (page) => page.locator('.found').first().waitFor() },
  {
    name: 'log',
    path: (standIn) => `/logs/${standIn.state.tasks[5]?.id}?line=42`,
    prepare: (page) => page.locator('.line-target').waitFor(),
  },
  {
    name: 'log-search',
    path: (standIn) => `/logs/${standIn.state.tasks[5]?.id}?q=warning`,
    prepare: (page) => page.locator('mark').first().waitFor(),
  },
  { name: 'timeline', path: at('/timeline'), prepare: (page) => page.locator('.timeline-rows li').first().waitFor() },
  { name: 'costs', path: at('/costs'), prepare: (page) => page.getByText('team=web').waitFor() },
  { name: 'mesh', path: at('/mesh') },
  { name: 'publish', path: at('/tasks'), prepare: fillPublish },
  { name: 'invite', path: at('/mesh'), prepare: makeInvite },
  { name: 'shortcuts', path: at('/'), prepare: openShortcuts },
  { name: 'palette', path: at('/'), prepare: openPalette },
  { name: 'confirm', path: at(`/workers/${peerIdOf('birch')}`), prepare: (page) => page.getByRole('button', { name: 'Stop' }).click() },
  { name: 'minority', path: at('/mesh'), prepare: minority },
  { name: 'not-live', path: at('/'), prepare: notLive },
  { name: 'sign-in', path: at('/'), prepare: signOut },
]

async function verify(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Verify dist/app.tar' }).click()
  await page.getByText('built and signed it').waitFor()
}

async function openShortcuts(page: Page): Promise<void> {
  await page.keyboard.press('?')
  await page.getByText('Shortcuts are on').waitFor()
}

async function openPalette(page: Page): Promise<void> {
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox').fill('bu')
  await page.getByRole('option').first().waitFor()
}

async function fillPublish(page: Page): Promise<void> {
  await page.keyboard.press('n')
  await page.getByLabel('Command', { exact: true }).fill(`node --test "a file.ts" 'it''s' | tee out`)
  await page.getByText('Where, when and with what').click()
  await page.getByLabel('Time limit').fill('soon')
  await page.getByRole('button', { name: 'Publish', exact: true }).click()
  await page.getByText('a duration such as').waitFor()
}

async function makeInvite(page: Page): Promise<void> {
  await page.keyboard.press('i')
  await page.getByRole('button', { name: 'Make invite' }).click()
  await page.getByText('npx nimbus up --join nimbus1').first().waitFor()
}

async function minority(page: Page, standIn: StandIn): Promise<void> {
  const { mesh } = standIn.state
  const members = mesh.members.map((member) => (member.self ? member : { ...member, state: 'dead' as const, roundTripMs: null }))
  standIn.emit('mesh.updated', { ...mesh, members, group: { ...mesh.group, reachable: 1 } })
  await page.getByText('This side cannot decide').waitFor()
}

async function notLive(page: Page, standIn: StandIn): Promise<void> {
  standIn.cutStreams()
  await page.getByText('Not live for').waitFor()
}

async function signOut(page: Page, standIn: StandIn): Promise<void> {
  standIn.state.signedIn = false
  await page.reload()
  await page.getByText('Sign in from your terminal').waitFor()
}

/** Takes one page in both sizes and themes; answers what is wrong with it. */
export async function takeShot(browser: Browser, shot: Shot, folders: { dist: string; shots: string }): Promise<string[]> {
  const faults: string[] = []
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark'] as const) {
      const label = `${shot.name}-${size}-${colorScheme}`
      const standIn = await startStandIn(folders.dist)
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
      try {
        const page = await context.newPage()
        watch(page, standIn.url, (fault) => faults.push(`${label}: ${fault}`))
        await page.goto(standIn.url + shot.path(standIn))
        await page.locator('h1').first().waitFor()
        await shot.prepare?.(page, standIn)
        await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))')
        const wider = Number(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'))
        if (wider > 0) faults.push(`${label}: ${wider} px wider than the screen`)
        await page.screenshot({ path: join(folders.shots, `${label}.png`) })
        if ((size === 'wide') === (colorScheme === 'light')) faults.push(...(await barriersOf(page)).map((found) => `${label}: ${found}`))
      } finally {
        await context.close()
        await standIn.close()
      }
    }
  }
  return faults
}

type AxeRun = { violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[] }

/** What keeps somebody out, as axe-core with all of its rules sees it. */
async function barriersOf(page: Page): Promise<string[]> {
  const { source } = require('axe-core') as { source: string }
  await page.evaluate(source)
  const { violations } = await page.evaluate<AxeRun>('axe.run(document, { resultTypes: ["violations"] })')
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id} (${help}): ${html.slice(0, 200)}: ${failureSummary?.split('\n')[1]?.trim() ?? ''}`),
  )
}

function watch(page: Page, origin: string, fault: (text: string) => void): void {
  page.on('console', (message) => {
    // The browser itself reports refused answers and lost sockets, which some shots are about.
    if (message.type() === 'error' && !/WebSocket|40[014]/.test(message.text())) fault(message.text())
  })
  page.on('pageerror', (error) => fault(error.message))
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) fault(`asked for ${request.url()}`)
  })
}
