// Photographs every page of the dashboard in both sizes and themes, from the stand-in, and fails on what no page may do:
// a console error, a refused content-security rule, a request to another origin, a page wider than the screen.
// Usage: node test/e2e/screenshots/take.ts FOLDER [PAGE…]
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Page, chromium } from 'playwright-core'
import { peerIdOf } from '../../web/fixtures.ts'
import { type StandIn, startStandIn } from './stand-in.ts'

const SIZES = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } } as const
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1']

type Shot = { name: string; path: string; prepare?: (page: Page, standIn: StandIn) => Promise<void> }

function shots(standIn: StandIn): Shot[] {
  const [running, looping, waiting, , dead] = standIn.state.tasks.map((task) => task.id)
  return [
    { name: 'overview', path: '/' },
    { name: 'workers', path: '/workers' },
    { name: 'workers-table', path: '/workers?as=table' },
    { name: 'worker', path: `/workers/${peerIdOf('birch')}` },
    { name: 'tasks', path: '/tasks' },
    { name: 'tasks-filtered', path: '/tasks?state=failed' },
    { name: 'tasks-none', path: '/tasks?q=nothing-like-this' },
    { name: 'task-cloning', path: `/tasks/${running}` },
    { name: 'task-running', path: `/tasks/${looping}`, prepare: (page) => page.locator('.line').last().waitFor() },
    { name: 'task-waiting', path: `/tasks/${waiting}` },
    { name: 'task-dead', path: `/tasks/${dead}` },
    { name: 'mesh', path: '/mesh' },
    { name: 'publish', path: '/tasks', prepare: fillPublish },
    { name: 'invite', path: '/mesh', prepare: makeInvite },
    { name: 'shortcuts', path: '/', prepare: (page) => page.keyboard.press('?') },
    { name: 'confirm', path: `/workers/${peerIdOf('birch')}`, prepare: (page) => page.getByRole('button', { name: 'Stop' }).click() },
    { name: 'minority', path: '/mesh', prepare: minority },
    { name: 'not-live', path: '/', prepare: notLive },
    { name: 'sign-in', path: '/', prepare: signOut },
  ]
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

async function take(folder: string, wanted: readonly string[]): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ARGS })
  const faults: string[] = []
  try {
    for (const [size, viewport] of Object.entries(SIZES)) {
      for (const colorScheme of ['light', 'dark'] as const) {
        const names = shots(await closed()).map((shot) => shot.name)
        for (const name of names) {
          if (wanted.length > 0 && !wanted.includes(name)) continue
          const standIn = await startStandIn()
          const shot = shots(standIn).find((candidate) => candidate.name === name) as Shot
          const label = `${name}-${size}-${colorScheme}`
          const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' })
          const page = await context.newPage()
          page.on('console', (message) => message.type() === 'error' && !/WebSocket|40[014]/.test(message.text()) && faults.push(`${label}: ${message.text()}`))
          page.on('pageerror', (error) => faults.push(`${label}: ${error.message}`))
          page.on('request', (request) => !request.url().startsWith(standIn.url) && faults.push(`${label}: asked for ${request.url()}`))
          await page.goto(standIn.url + shot.path)
          await page.locator('h1').first().waitFor()
          await shot.prepare?.(page, standIn)
          await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
          const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
          if (wider > 0) faults.push(`${label}: ${wider} px wider than the screen`)
          await page.screenshot({ path: join(folder, `${label}.png`) })
          await context.close()
          await standIn.close()
        }
      }
    }
  } finally {
    await browser.close()
  }
  return faults
}

/** A stand-in for its names only. */
async function closed(): Promise<StandIn> {
  const standIn = await startStandIn()
  await standIn.close()
  return standIn
}

const [folder, ...wanted] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: take.ts FOLDER [PAGE…]')
const faults = await take(folder, wanted)
process.stdout.write(faults.length === 0 ? 'no faults\n' : `${faults.join('\n')}\n`)
process.exitCode = faults.length === 0 ? 0 : 1
