// The dashboard as a person uses it: real Chromium, three real nodes, real work.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { builtPage } from './built-page.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { cleanEnv, createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import type { OpenPage } from './open-page.ts'
import { launchBrowser, openPage } from './open-page.ts'
import { terminalFlow } from './terminal-flow.ts'

const browserNeeded = requirement('chromium')
const vim = requirement('vim')
const REPOSITORY = join(import.meta.dirname, '../../..')
const COUNTING = 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo "line $i"; sleep 0.2; done'

describe.skipIf(!browserNeeded.present)(browserNeeded.title('the dashboard of a mesh of three'), () => {
  let browser: Browser
  let mesh: RealMesh
  let birch: RealNode
  let cedar: RealNode
  let maple: RealNode
  let seen: OpenPage[] = []

  const open = async (node: RealNode, link?: string): Promise<OpenPage> => {
    const opened = await openPage(browser, node, link)
    seen.push(opened)
    return opened
  }

  beforeAll(async () => {
    await builtPage()
    mesh = await createRealMesh()
    birch = await mesh.add('birch', ['--slots', '2'])
    cedar = await mesh.add('cedar', ['--slots', '2'])
    maple = await mesh.add('maple', ['--slots', '2'])
    await mesh.settled()
    browser = await launchBrowser(browserNeeded.path)
  })
  afterEach(async () => {
    const faults = seen.flatMap((opened) => opened.faults)
    await Promise.all(seen.map((opened) => opened.close()))
    seen = []
    expect(faults).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await mesh?.close()
  })

  test('the printed link signs in, once', async () => {
    // The link of a fresh node lives a minute: this one is made now, as `up` makes it.
    await birch.stop()
    await birch.restart()
    const { page } = await open(birch, birch.ready.signInUrl)
    expect(page.url()).toBe(`${birch.ready.http}/`)
    const stranger = await browser.newContext()
    const second = await stranger.newPage()
    await second.goto(birch.ready.signInUrl)
    await second.getByRole('heading', { name: /sign in/i }).waitFor()
    expect(await second.getByText('birch').count()).toBe(0)
    await stranger.close()
    await mesh.settled()
  })

  test('every node shows three workers online', async () => {
    for (const node of [birch, cedar, maple]) {
      const { page } = await open(node)
      await page.goto(`${node.ready.http}/workers`)
      await page.getByText('3 of 3 online').waitFor()
      for (const { name } of mesh.nodes) await page.getByRole('link', { name, exact: true }).first().waitFor()
    }
  })

  test('a task published in the dialog shows its output while it runs, and its exit code', async () => {
    const { page } = await open(cedar)
    await page.keyboard.press('n')
    await page.getByLabel('Command', { exact: true }).fill('echo first; sleep 8; echo second; exit 3')
    await page.getByLabel('Run with sh -c').check()
    await page.getByRole('button', { name: 'Publish', exact: true }).click()
    await page.getByText('first', { exact: true }).waitFor()
    expect(await page.getByText('second', { exact: true }).count(), 'the output came only at the end').toBe(0)
    await page.getByText('second', { exact: true }).waitFor()
    await page.locator('.page-head').getByText('failed').waitFor()
    await page.locator('.page-head').getByText('exit 3', { exact: true }).waitFor()
  })

  test('a running task is cancelled by a button', async () => {
    const id = await publish(birch, { argv: ['sh', '-c', COUNTING] })
    const { page } = await open(maple)
    await page.goto(`${maple.ready.http}/tasks/${id}`)
    await page.getByText('line 2', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByRole('button', { name: 'Cancel task' }).click()
    await page.locator('.page-head').getByText('cancelled').waitFor()
    expect((await birch.task(id)).state).toBe('cancelled')
  })

  test('a task published on one node is painted on the page of another at once', async () => {
    const { page } = await open(maple)
    await page.goto(`${maple.ready.http}/tasks`)
    await page.getByText('Live through maple').waitFor()
    const took: number[] = []
    for (let round = 0; round < 5; round++) {
      const painted = page.getByText(`painted ${round}`, { exact: true }).waitFor()
      const start = performance.now()
      await publish(birch, { argv: ['true'], name: `painted ${round}` })
      await painted
      took.push(performance.now() - start)
    }
    const median = took.toSorted((a, b) => a - b)[2] as number
    console.info(`published on birch, painted by maple: median ${Math.round(median)} ms of ${took.map(Math.round).join(' ')}`)
  })

  test('a question asked on one node is answered by a button on the page of another', async () => {
    const { page } = await open(maple)
    const body = { request: 'port', text: 'Which port <b>now</b>?', choices: ['8080', '9090'] }
    const asked = (await birch.api<{ id: string }>('/api/questions', { body })).body
    await page.locator('.needs').getByRole('link', { name: 'Which port <b>now</b>?' }).click()
    expect(new URL(page.url()).pathname).toBe(`/questions/${asked.id}`)
    await page.getByRole('button', { name: '9090' }).click()
    await page.getByText(/said .* at maple/).waitFor()
    const answer = await until(async () => (await birch.api<{ answer?: { choice: string } }>(`/api/questions/${asked.id}`)).body.answer, {
      what: 'the answer at birch',
    })
    expect(answer.choice).toBe('9090')
  })

  test('a session that runs on one node asks, and is allowed by a button on the page of another', async () => {
    const command = [process.execPath, join(REPOSITORY, 'test/support/servers/acp-agent.ts')]
    const body = { prompt: 'please write it', driver: 'acp', command, sandbox: 'none', worker: 'birch', ask: ['Write'], freeMemoryMb: 0 }
    const { id } = (await cedar.api<{ id: string }>('/api/sessions', { body })).body
    const { page } = await open(maple)
    await page.goto(`${maple.ready.http}/sessions/${id}`)
    await page.getByRole('button', { name: 'Approve Write' }).click()
    await page.locator('.said-decided').waitFor()
    await page.locator('.said-end').getByText('The session is done').waitFor()
    await page.locator('.page-head').getByText('done', { exact: true }).waitFor()
  })

  test.skipIf(!vim.present)(vim.title('a terminal is left on the page of one node, and found as it was on the page of another'), () =>
    terminalFlow({ open, host: birch, first: cedar, second: maple }),
  )

  test('a service that runs on one node is seen to answer, and stopped by a button, on the page of another', async () => {
    const serve = `require('node:http').createServer((_, answer) => answer.end('ok')).listen(process.env.PORT, '127.0.0.1')`
    const body = { name: 'hello', argv: [process.execPath, '-e', serve], health: '/', sandbox: 'none', worker: 'birch' }
    await cedar.api('/api/services', { body })
    const { page } = await open(maple)
    await page.goto(`${maple.ready.http}/services`)
    await page.getByText('1 of 1 answer').waitFor()
    await page.getByRole('link', { name: 'hello', exact: true }).click()
    await page.locator('.page-head').getByText('running', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    await page.getByRole('button', { name: 'Stop service' }).click()
    await page.locator('.page-head').getByText('stopped', { exact: true }).waitFor()
    expect((await birch.api<{ state: string }>('/api/services/hello')).body.state).toBe('stopped')
  })

  test('the command of the invite dialog, typed as shown, brings a fourth node', async () => {
    const { page } = await open(birch)
    await page.goto(`${birch.ready.http}/workers`)
    await page.getByRole('button', { name: 'Invite a machine' }).click()
    await page.getByRole('button', { name: 'Make invite' }).click()
    const command = await page.locator('code', { hasText: 'npx nimbus up --join' }).first().innerText()
    const env = cleanEnv({
      NIMBUS_DATA: join(mesh.dir, 'rowan'),
      NIMBUS_NAME: 'rowan',
      NIMBUS_HTTP: '127.0.0.1:0',
      NIMBUS_LISTEN: '/ip4/127.0.0.1/tcp/0',
    })
    const shell = spawn('sh', ['-c', `exec ${command.trim().replace(/^\$ /, '')}`], {
      cwd: REPOSITORY,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise((resolve) => shell.once('exit', resolve))
    try {
      const lines: string[] = []
      createInterface({ input: shell.stdout }).on('line', (line) => lines.push(line))
      await until(() => lines.some((line) => line.startsWith('ready rowan http://')), {
        what: 'the ready line of rowan',
        timeoutMs: 40_000,
      })
      await page.getByRole('button', { name: 'Done' }).click()
      await page.getByText('4 of 4 online').waitFor()
    } finally {
      await birch.cli('down', '--data', join(mesh.dir, 'rowan'))
      await ended
    }
    await page.getByText('3 of 4 online').waitFor()
  })

  test('the node that runs a task dies: the page of another shows the lost attempt and the second one', async () => {
    const id = await publish(birch, { argv: ['sh', '-c', COUNTING], name: 'survivor' })
    const running = await until(async () => (await birch.task(id)).attempts.find((attempt) => attempt.outcome === 'running'), {
      what: 'a running attempt',
    })
    const victim = mesh.nodes.find((node) => node.ready.peerId === running.worker) as RealNode
    const other = mesh.nodes.find((node) => node !== victim) as RealNode
    const { page } = await open(other)
    await page.goto(`${other.ready.http}/tasks/${id}`)
    await page.getByText('line 2', { exact: true }).waitFor()
    const start = performance.now()
    await victim.kill()
    const lost = page.locator('.attempts tr', { hasText: victim.name })
    await lost.getByText('lost', { exact: true }).waitFor()
    await page.locator('.attempts tr', { hasText: 'running' }).waitFor()
    console.info(`killed ${victim.name}, the second attempt painted by ${other.name} after ${Math.round(performance.now() - start)} ms`)
    await page.getByText('line 2', { exact: true }).waitFor()
    expect(await page.locator('.attempts tbody tr').count()).toBe(2)
    await other.cli('task', 'cancel', id)
  })
})

async function publish(node: RealNode, body: object): Promise<string> {
  return (await node.api<{ id: string }>('/api/tasks', { body })).body.id
}
