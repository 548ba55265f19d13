// A real browser before a real node: signs in, and notes what no page may do: an error in the console, a request to
// another origin.
import type { Browser, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import type { RealNode } from '../../support/real-mesh.ts'
import { CHROMIUM_ARGS } from '../screenshots/take.ts'

export type OpenPage = { page: Page; faults: string[]; close(): Promise<void> }

export function launchBrowser(path: string | undefined): Promise<Browser> {
  return chromium.launch({ executablePath: path ?? 'chromium', args: CHROMIUM_ARGS })
}

/** @param link as the node printed it; without one a new one is asked for with `nimbus open` */
export async function openPage(browser: Browser, node: RealNode, link?: string): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const faults: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${node.ready.http}/`)) faults.push(`asked for ${request.url()}`)
  })
  await page.goto(link ?? (JSON.parse((await node.cli('open', '--json')).stdout) as { url: string }).url)
  await page.getByText(`Live through ${node.name}`).waitFor()
  return { page, faults, close: () => context.close() }
}
