// Terminals of a real mesh of three: full-screen programs, attached from any node, through the death of the node under them.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { createRealMesh } from '../../support/real-mesh.ts'
import { requirement } from '../../support/requirements.ts'
import { until } from '../../support/until.ts'
import type { Attached } from './attached.ts'
import { attachTo, openTerminal } from './attached.ts'

const vim = requirement('vim')
const top = requirement('top')
const SHELL = ['bash', '--norc', '--noprofile']

let mesh: RealMesh
let alder: RealNode
let birch: RealNode
let cedar: RealNode

beforeAll(async () => {
  mesh = await createRealMesh()
  alder = await mesh.add('alder', ['--slots', '8'])
  birch = await mesh.add('birch', ['--slots', '8'])
  cedar = await mesh.add('cedar', ['--slots', '8'])
  await mesh.settled()
})
afterAll(async () => {
  await mesh?.close()
})

/** Both have drawn the same bytes. */
async function sameCells(a: Attached, b: Attached): Promise<void> {
  await until(() => a.seq() === b.seq(), { what: 'both at the same byte' })
  expect(await a.cells()).toEqual(await b.cells())
}

describe('a terminal', () => {
  test.skipIf(!vim.present)(
    vim.title('vim, attached from another node, left, and attached from a third: the same cells as an emulator that saw every byte'),
    async () => {
      const id = await openTerminal(alder, SHELL, { worker: 'birch', size: { cols: 90, rows: 30 } })
      // It saw every byte from the first on: the reference.
      const reference = await attachTo(birch, id, { mode: 'read' })
      await reference.event('hello')
      const first = await attachTo(alder, id)
      expect((await first.event('hello')).you).toBe(true)
      first.type(`for i in $(seq 60); do echo "line $i"; echo "one $i" >> numbers; done\r`)
      await first.until('line 60')
      first.type('vim -u NONE -N -c "syntax on" -c "set number hlsearch" numbers\r')
      await first.until('1 one 1')
      first.type('/one 17\rjjj$')
      first.say({ t: 'resize', cols: 100, rows: 32 })
      first.type('vjjj')
      await first.until('VISUAL')
      await first.leave()

      const second = await attachTo(cedar, id)
      await second.until('VISUAL')
      await sameCells(second, reference)
      // A change of size afterwards finds the hidden screen as it was.
      second.say({ t: 'resize', cols: 85, rows: 36 })
      await until(
        () => reference.frames.at(-1)?.t === 'output' && reference.frames.some((frame) => frame.t === 'resize' && frame.size.rows === 36),
        {
          what: 'vim drawn in its new size',
        },
      )
      await sameCells(second, reference)
      second.type('\x1b:q!\r')
      await second.until('line 60') // the screen before vim, as it was
      second.type('echo $((6*7))$TERM; exit 3\r')
      expect(await second.event('exit')).toMatchObject({ exitCode: 3 })
      await until(async () => (await alder.task(id)).state === 'failed')
      expect((await cedar.task(id)).result).toMatchObject({ exitCode: 3, tail: expect.stringContaining('42xterm-256color') })
      await until(async () => !(await readdir(join(birch.dataDir, 'terminals'))).includes(id), {
        what: 'the folder of the terminal is gone',
      })
    },
  )

  test.skipIf(!top.present)(
    top.title('top goes on while its node is killed and started again: nobody begins it twice, and what is typed arrives once'),
    async () => {
      const id = await openTerminal(alder, SHELL, { worker: 'cedar' })
      const watcher = await attachTo(birch, id)
      watcher.type('echo $$ > pid; top -d 0.3\r')
      await watcher.until(/PID +USER/)
      const before = watcher.seq()
      await cedar.kill()
      expect(await watcher.event('away')).toMatchObject({ t: 'away' })
      // Typed while nobody is there to take it.
      watcher.type('q')
      await cedar.restart()
      await watcher.until(/\n\S*# *\n*$/, 60_000)
      watcher.type('echo still $(cat pid) $$ $((21*2))\r')
      await watcher.until(/still (\d+) \1 42/, 60_000)
      expect(watcher.seq()).toBeGreaterThan(before)
      expect((await watcher.lines()).join('\n').match(/^still /gm)).toHaveLength(1)
      expect(await watcher.event('hello')).toMatchObject({ you: true })
      // The task is held again by the same worker, and ends when the command does.
      await until(async () => (await alder.task(id)).attempts.length > 1 && (await alder.task(id)).state === 'running', {
        what: 'a second attempt',
        timeoutMs: 60_000,
      })
      watcher.type('exit\r')
      expect(await watcher.event('exit')).toMatchObject({ exitCode: 0 })
      await until(async () => (await alder.task(id)).state === 'succeeded', { what: 'its success', timeoutMs: 30_000 })
      const { attempts } = await alder.task(id)
      expect(attempts.map(({ workerName, outcome }) => `${workerName} ${outcome}`)).toEqual(['cedar lost', 'cedar succeeded'])
    },
  )
})
