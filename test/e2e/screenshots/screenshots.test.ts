// Every page at 1280 and 390 px, dark and light, in a real browser under the node's content security policy. The pictures
// go to NIMBUS_SCREENSHOTS, or to a folder that is removed.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requirement } from '../../support/requirements.ts'
import { CHROMIUM_ARGS, SHOTS, takeShot } from './take.ts'

const browserNeeded = requirement('chromium')

describe.skipIf(!browserNeeded.present)(browserNeeded.title('the pages of the dashboard'), () => {
  let browser: Browser
  let folder: string
  let shots: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nimbus-screenshots-'))
    shots = process.env['NIMBUS_SCREENSHOTS'] ?? join(folder, 'shots')
    await mkdir(shots, { recursive: true })
    await build({
      root: join(import.meta.dirname, '../../../web'),
      mode: 'production',
      logLevel: 'warn',
      build: { outDir: join(folder, 'dist'), emptyOutDir: true },
    })
    browser = await chromium.launch({ executablePath: browserNeeded.path ?? 'chromium', args: CHROMIUM_ARGS })
  })

  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(SHOTS.map((shot) => [shot.name, shot] as const))(
    '%s fits both sizes and themes, asks nobody else and breaks no rule',
    async (_name, shot) => {
      expect(await takeShot(browser, shot, { dist: join(folder, 'dist'), shots })).toEqual([])
    },
  )
})
