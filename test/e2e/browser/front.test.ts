// The frame of the dashboard in real Chromium before real nodes: a page that outlives the node that served it.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PassView } from '../../../protocols/web/passes.ts'
import { builtPage } from './built-page.ts'
import { BIN, cleanEnv, createRealMesh, type RealMesh, type RealNode } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import { launchBrowser, openPage } from './open-page.ts'

const browserNeeded = requirement('chromium')
type Frame = { type: string; cursor?: string; id?: string; data?: { name?: string; state?: string } }

describe.skipIf(!browserNeeded.present)(browserNeeded.title('the frame of the dashboard'), () => {
  let browser: Browser
  let mesh: RealMesh
  /** The founder, which is the mesh's admin; the others are members. */
  let oak: RealNode
  let birch: RealNode
  let cedar: RealNode

  beforeAll(async () => {
    await builtPage()
    mesh = await createRealMesh()
    oak = await mesh.add('oak', ['--slots', '2'])
    birch = await mesh.add('birch', ['--slots', '2'])
    cedar = await mesh.add('cedar', ['--slots', '2'])
    await mesh.settled()
    browser = await launchBrowser(browserNeeded.path)
  })
  afterAll(async () => {
    await browser?.close()
    await mesh?.close()
  })

  test('a pass leads to no higher role than its page has', async () => {
    const named = async (node: RealNode): Promise<string[]> => {
      const { body } = await node.api<{ items: PassView[] }>('/api/session/passes', { method: 'POST', body: {} })
      return body.items.map(({ workerName }) => workerName).toSorted()
    }
    expect(await named(oak)).toEqual(['birch', 'cedar'])
    expect(await named(birch)).toEqual(['cedar'])
  })

  test('the command that a task page copies runs as pasted, and does the same', async () => {
    const argv = ['printf', '%s|', "it's", 'a  b', '$HOME', '*', '"x"', '-n', '', '\\\\']
    const { body } = await oak.api<{ id: string }>('/api/tasks', { body: { argv, name: 'tricky words; $(id)', env: { A: "b c'd" } } })
    const { page, close } = await openPage(browser, oak)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: oak.ready.http })
    await page.goto(`${oak.ready.http}/tasks/${body.id}`)
    await page.getByRole('button', { name: 'Copy as command' }).click()
    await page.getByText('copied', { exact: true }).waitFor({ state: 'attached' })
    const copied = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(copied).toMatch(/^nimbus task run /)
    const nimbus = `nimbus() { "${process.execPath}" "${BIN}" "$@"; }; `
    const { stdout } = await promisify(execFile)('sh', ['-c', nimbus + copied], { env: cleanEnv({ NIMBUS_DATA: oak.dataDir }) })
    expect(stdout).toBe('it\'s|a  b|$HOME|*|"x"|-n||\\\\|')
    await close()
  })

  test('the node that serves a page dies: the page goes on through another, at its place, and misses no event', async () => {
    await until(async () => (await cedar.mesh()).group.seats.length === 3, { what: 'three keepers', timeoutMs: 60_000 })
    const { page, faults, close } = await openPage(browser, birch)
    const sockets: { url: string; frames: Frame[] }[] = []
    page.on('websocket', (socket) => {
      const frames: Frame[] = []
      sockets.push({ url: socket.url(), frames })
      socket.on('framereceived', ({ payload }) => frames.push(JSON.parse(String(payload)) as Frame))
    })
    const passes = page.waitForResponse((response) => response.url().endsWith('/api/session/passes') && response.status() === 201)
    await page.goto(`${birch.ready.http}/tasks?q=name:step*`)
    await page.getByText('Live through birch').waitFor()
    await passes

    const published: string[] = []
    const publish = async (): Promise<void> => {
      const name = `step ${published.length}`
      published.push((await cedar.api<{ id: string }>('/api/tasks', { body: { argv: ['true'], name, worker: 'cedar' } })).body.id)
    }
    await publish()
    await page.getByText('step 0', { exact: true }).waitFor()
    const start = performance.now()
    await birch.kill()
    const moved = page.getByText('Live through cedar').waitFor()
    let isMoved = false
    void moved.then(() => (isMoved = true))
    while (!isMoved && performance.now() - start < 20_000) await publish()
    await moved
    console.info(
      `killed birch, live through cedar after ${Math.round(performance.now() - start)} ms, ${published.length} published meanwhile`,
    )
    await publish()

    await page.getByText(`step ${published.length - 1}`, { exact: true }).waitFor()
    expect(page.url()).toBe(`${cedar.ready.http}/tasks?q=name:step*`)
    const [before, after] = [sockets.at(-2), sockets.at(-1)]
    expect(before?.url).toContain(birch.ready.http.replace('http:', 'ws:'))
    const since = new URL(after?.url ?? '').searchParams.get('since')
    expect(since).toBe(before?.frames.findLast(({ cursor }) => cursor !== undefined)?.cursor)
    const seen = (): Frame[] => sockets.flatMap(({ frames }) => frames)
    await until(() => published.every((id) => seen().some((frame) => frame.id === id && frame.data?.state === 'succeeded')), {
      what: 'the end of every task in the frames of the page',
      timeoutMs: 30_000,
    })
    expect(seen().filter(({ type }) => type === 'resync')).toEqual([])
    // What a dead node leaves in the console, and the one address that the page may go to.
    const expected = /ERR_CONNECTION_(REFUSED|RESET)|WebSocket/
    expect(faults.filter((fault) => !expected.test(fault) && !fault.startsWith(`asked for ${cedar.ready.http}/`))).toEqual([])
    await close()
  })
})
