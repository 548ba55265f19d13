// A terminal as a person sees it in the page: opened on one node, left, and found again as it was on the page of another.
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { RealNode } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'
import { type Attached, attachTo } from '../terminals/attached.ts'
import type { OpenPage } from './open-page.ts'

type Stage = { open(node: RealNode): Promise<OpenPage>; host: RealNode; first: RealNode; second: RealNode }

/** What the page shows, row by row. */
async function rowsOf(page: Page): Promise<string[]> {
  const rows = await page.locator('.xterm-rows > div').allTextContents()
  return rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
}

async function sameAs(reference: Attached, page: Page, what: string): Promise<void> {
  await until(
    async () => {
      const [shown, wanted] = [await rowsOf(page), (await reference.lines()).map((line) => line.trimEnd())]
      if (JSON.stringify(shown) === JSON.stringify(wanted)) return true
      throw new Error(`the page shows\n${shown.join('\n')}\nand the reference\n${wanted.join('\n')}`)
    },
    { what, timeoutMs: 30_000 },
  )
}

/** The page of `first` opens a terminal on `host`; `second` finds it. Ends with the terminal. */
export async function terminalFlow({ open, host, first, second }: Stage): Promise<void> {
  const { page, close } = await open(first)
  await page.goto(`${first.ready.http}/terminals`)
  await page.getByRole('button', { name: 'Open a terminal' }).click()
  await page.getByLabel('Command', { exact: true }).fill('bash --norc --noprofile')
  await page.getByLabel('Worker', { exact: true }).selectOption({ label: host.name })
  await page.getByRole('button', { name: 'Open', exact: true }).click()
  await page.getByText('You write here').waitFor()
  const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''
  const reference = await attachTo(host, id, { mode: 'read' })
  await reference.until(/# /)
  await page.keyboard.type('for i in $(seq 40); do echo "one $i"; done > numbers; vim -u NONE -N -c "syntax on" numbers\n')
  await reference.until('one 3')
  await page.keyboard.type('/one 17\njjjVj')
  await reference.until('VISUAL')
  await sameAs(reference, page, 'vim on the page that opened it')
  await close()

  // Found again from the page of another node, exactly.
  const { page: other } = await open(second)
  await other.goto(`${second.ready.http}/terminals`)
  await other.getByRole('link', { name: 'bash --norc --noprofile' }).click()
  await other.getByText('You write here').waitFor()
  await sameAs(reference, other, 'vim as it was left, on the page of another node')

  // A second writer is refused politely: it reads, sees who writes, and may take over; the first is told.
  const { page: third } = await open(first)
  await third.goto(`${first.ready.http}/terminals/${id}`)
  await third.getByText(`You read; the dashboard on ${second.name} writes.`).waitFor()
  await sameAs(reference, third, 'vim on the page that only reads')
  await third.getByRole('button', { name: 'Take over' }).click()
  await third.getByText('You write here').waitFor()
  await other.getByText(`the dashboard on ${first.name} took over and writes here now.`).waitFor()

  // As large as its window, and smaller on a phone, with keys that a phone lacks.
  await third.setViewportSize({ width: 390, height: 844 })
  await until(() => reference.frames.some((frame) => frame.t === 'resize' && frame.size.cols < 60), { what: 'the size of a phone' })
  await third.getByRole('button', { name: 'Escape' }).click()
  await third.keyboard.type(':q!\n')
  await reference.until(/numbers\n\S*# *\n*$/)
  await third.getByRole('button', { name: 'Ctrl, Control', exact: true }).click()
  await third.keyboard.type('u') // Ctrl+U takes back the line
  await third.keyboard.type('echo $((6*7))\n')
  await reference.until('42')
  await sameAs(reference, third, 'the shell on a phone')
  await sameAs(reference, other, 'the shell on the page that reads')

  // Nobody looks: nothing is drawn. Somebody does: all of it is there.
  await third.evaluate(
    `Object.defineProperty(document, 'hidden', { value: true, configurable: true }); document.dispatchEvent(new Event('visibilitychange'))`,
  )
  await third.keyboard.type('clear; echo unseen $((40+2))\n')
  await reference.until('unseen 42')
  await sameAs(reference, other, 'the page that is looked at')
  expect((await rowsOf(third)).join('\n')).not.toContain('unseen 42')
  await third.evaluate(`delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))`)
  await sameAs(reference, third, 'the page that is looked at again')
  await third.keyboard.type('exit\n')
  await third.getByText('It ended: exit code 0.').waitFor()
}
