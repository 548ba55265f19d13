// Logs and the timeline as a person uses them: real Chromium, two real nodes, an output of a million lines.
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { builtPage } from './built-page.ts'
import type { OpenPage } from './open-page.ts'
import { launchBrowser, openPage } from './open-page.ts'

const browserNeeded = requirement('chromium')
const LINES = 1_000_000
/** What scrolls, in words of the page. */
const BOX = `document.querySelector('.lines')`
const NEEDLE_AT = 987_654
const EVIL = '\\u001b[31mred\\u001b[0m \\u001b]0;title\\u0007<img src=x onerror=alert(1)> \\u202egnp.exe'
const WRITE = `
  const lines = []
  for (let at = 1; at <= ${LINES}; at++) {
    lines.push(at === ${NEEDLE_AT} ? 'the Needle is here' : at === ${LINES} ? '${EVIL}' : at + ' served in ' + (at % 97) + ' ms')
    if (lines.length === 5000) { require('node:fs').writeSync(1, lines.join('\\n') + '\\n'); lines.length = 0 }
  }`

describe.skipIf(!browserNeeded.present)(browserNeeded.title('logs and timeline of a mesh of two'), () => {
  let browser: Browser
  let mesh: RealMesh
  let maple: RealNode
  let seen: OpenPage | undefined
  let id: string

  beforeAll(async () => {
    await builtPage()
    mesh = await createRealMesh()
    await mesh.add('birch', ['--slots', '2'])
    maple = await mesh.add('maple', ['--slots', '2'])
    await mesh.settled()
    browser = await launchBrowser(browserNeeded.path)
    id = await publish(maple, { argv: [process.execPath, '-e', WRITE], name: 'a million lines', worker: 'birch' })
  })
  afterEach(async () => {
    const faults = seen?.faults ?? []
    await seen?.close()
    seen = undefined
    expect(faults).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await mesh?.close()
  })

  test('a million lines: searched where they lie, a line found has an address, and what is hostile in them is inert', async () => {
    seen = await openPage(browser, maple)
    const { page } = seen
    await page.goto(`${maple.ready.http}/logs/${id}`)
    await page.getByText(`${LINES.toLocaleString('en')} lines`).waitFor({ timeout: 60_000 })
    await page.getByText('red <img src=x onerror=alert(1)> ·gnp.exe').waitFor()
    expect(await page.locator('.lines img').count()).toBe(0)
    expect(await page.locator('.line').count()).toBeLessThan(150)

    await page.keyboard.press('Control+f')
    const start = performance.now()
    await page.keyboard.type('needle')
    const hit = page.locator('.found', { hasText: 'is here' })
    await hit.waitFor()
    const painted = Math.round(performance.now() - start)
    await page.getByText(/^1 hit in 1,000,000 lines/).waitFor()
    const standing = await page.locator('.log-standing').innerText()
    console.info(`a text in line ${NEEDLE_AT} of ${LINES}: painted ${painted} ms after the first key (250 ms of them a pause); ${standing}`)
    expect(await hit.locator('mark').innerText()).toBe('Needle')

    await hit.getByRole('link', { name: `Line ${NEEDLE_AT}` }).click()
    await page.locator('.line-target', { hasText: 'the Needle is here' }).waitFor()
    await page.getByText(`${NEEDLE_AT - 1} served`).waitFor()
    expect(new URL(page.url()).search).toContain(`line=${NEEDLE_AT}`)
    await page.reload()
    await page.locator('.line-target', { hasText: 'the Needle is here' }).waitFor()
    await page.evaluate(`${BOX}.scrollTop = 0`)
    await page.getByText('1 served in 1 ms', { exact: true }).waitFor()
  })

  test('hits come as they are found, a reader may leave, and a text that is too long is refused', async () => {
    const gone = new AbortController()
    const headers = { authorization: `Bearer ${maple.token}` }
    const query = 'q=served&limit=2000&context=0'
    const answer = await fetch(`${maple.ready.http}/api/tasks/${id}/log/lines?${query}&follow=true`, { headers, signal: gone.signal })
    const first = await answer.body?.getReader().read()
    expect(JSON.parse(new TextDecoder().decode(first?.value).split('\n')[0] ?? '')).toMatchObject({ type: 'line', line: 1, hit: true })
    gone.abort()
    const refused = await maple.api<{ code: string }>(`/api/tasks/${id}/log/lines?q=${'x'.repeat(201)}`)
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid-input'])
  })

  test('lines of two workers stand by time, follow until a person scrolls up, and go on by a button', async () => {
    const counting = (name: string) => `i=0; while :; do i=$((i+1)); echo "${name} says $i"; sleep 0.05; done`
    const ids = await Promise.all(['birch', 'maple'].map((worker) => publish(maple, { argv: ['sh', '-c', counting(worker)], worker })))
    seen = await openPage(browser, maple)
    const { page } = seen
    await page.goto(`${maple.ready.http}/logs?tasks=${ids.join(',')}`)
    const held = async () => Number(/^(\d+)/.exec(await page.locator('.log-standing').innerText())?.[1] ?? 0)
    await until(async () => (await held()) > 120, { what: '120 lines', timeoutMs: 60_000 })
    for (const name of ['birch', 'maple'])
      await page
        .locator('.found', { hasText: `${name} says` })
        .first()
        .waitFor()
    await page.evaluate(`${BOX}.scrollTop = 0`)
    await page.getByRole('button', { name: 'To the end' }).waitFor()
    const before = Number(await page.evaluate(`${BOX}.scrollHeight`))
    await until(async () => Number(await page.evaluate(`${BOX}.scrollHeight`)) > before, { what: 'more lines', timeoutMs: 30_000 })
    expect(await page.evaluate(`${BOX}.scrollTop`), 'it followed although a person had scrolled up').toBe(0)
    const times = await page.evaluate<string[]>(`[...${BOX}.querySelectorAll('time')].map((one) => one.dateTime)`)
    expect(times).toEqual([...times].sort())
    await page.getByRole('button', { name: 'To the end' }).click()
    await until(async () => Number(await page.evaluate(`${BOX}.scrollTop`)) > 0, { what: 'the end', timeoutMs: 20_000 })
    await Promise.all(ids.map((one) => maple.cli('task', 'cancel', one)))
  })

  test('the timeline shows what ran on which worker, in a picture and in a table', async () => {
    seen = await openPage(browser, maple)
    const { page } = seen
    await page.goto(`${maple.ready.http}/timeline`)
    await page.locator('.timeline-rows').getByText('birch', { exact: true }).waitFor()
    await page.locator('.table').getByRole('link', { name: 'a million lines' }).waitFor()
    await page.locator('.timeline-chart canvas').focus()
    await page.keyboard.press('+')
    await page.waitForURL(/from=\d+&to=\d+/)
    await page.getByRole('combobox', { name: 'Rows' }).selectOption('kind')
    await page.locator('.timeline-rows').getByText('run', { exact: true }).waitFor()
  })

  test('20,000 spans are panned; what a frame costs is printed', async () => {
    seen = await openPage(browser, maple)
    const { page } = seen
    await page.addInitScript(`
      globalThis.frames_ = []
      const plain = globalThis.requestAnimationFrame.bind(globalThis)
      globalThis.requestAnimationFrame = (paint) => plain((time) => {
        const start = performance.now()
        paint(time)
        globalThis.frames_.push(performance.now() - start)
      })`)
    await page.route(/\/api\/tasks\?limit=500/, (route) => {
      const at = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0)
      const items = Array.from({ length: 500 }, (_, index) => aSpan(at * 500 + index))
      return route.fulfill({ json: { items, ...(at < 39 ? { next: String(at + 1) } : {}) } })
    })
    await page.goto(`${maple.ready.http}/timeline`)
    await page.getByText(/^20,000 spans/).waitFor({ timeout: 60_000 })
    await page.getByRole('button', { name: 'All' }).click()
    const canvas = page.locator('.timeline-chart canvas')
    const box = await canvas.boundingBox()
    if (box === null) throw new Error('nothing is drawn')
    await page.evaluate('globalThis.frames_.length = 0')
    await page.mouse.move(box.x + box.width / 2, box.y + 60)
    await page.mouse.down()
    for (let step = 0; step < 80; step++) await page.mouse.move(box.x + box.width / 2 + Math.sin(step / 6) * 300, box.y + 60)
    await page.mouse.up()
    const frames = (await page.evaluate<number[]>('globalThis.frames_')).sort((one, two) => one - two)
    const at = (share: number) => (frames[Math.floor(frames.length * share)] ?? 0).toFixed(1)
    console.info(
      `panning 20,000 spans: ${frames.length} frames, script a frame p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(0.999)} ms`,
    )
    expect(frames.length).toBeGreaterThan(5)
    const pixels = `getContext('2d').getImageData(0, 30, 800, 60).data.some((byte) => byte > 0)`
    const drawn = await page.evaluate<boolean>(`document.querySelector('.timeline-chart canvas').${pixels}`)
    expect(drawn).toBe(true)
  })
})

/** One of many attempts on twenty workers, one after another. */
function aSpan(index: number): object {
  const startedAt = Date.now() - 40_000_000 + Math.floor(index / 20) * 40_000
  const outcome = index % 17 === 0 ? 'failed' : 'succeeded'
  const workerName = `worker ${index % 20}`
  const attempt = { epoch: 1, worker: workerName, workerName, startedAt, endedAt: startedAt + 10_000 + ((index * 7_919) % 29_000), outcome }
  const id = `span${index}`
  const times = { createdAt: startedAt, updatedAt: startedAt }
  return { id, state: outcome, spec: { argv: ['true'] }, author: 'w', authorName: 'w', ...times, attempts: [attempt], group: 'default' }
}

async function publish(node: RealNode, body: object): Promise<string> {
  return (await node.api<{ id: string }>('/api/tasks', { body })).body.id
}
