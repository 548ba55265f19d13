// What becomes of the work when its node or its guardian is killed by force.
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRunLab, processesWith, type RunLab } from '../../support/run-lab.ts'
import { until } from '../../support/until.ts'

const NODE_SCRIPT = fileURLToPath(new URL('../../support/tiny-node.ts', import.meta.url))
let lab: RunLab
beforeEach(() => {
  lab = createRunLab()
})
afterEach(() => lab.close())

const guardianPid = (): number => JSON.parse(readFileSync(join(lab.dir, 'guardian.json'), 'utf8')).pid

test('when the guardian is killed its runs end, nothing is left, and the next run gets a new one', async () => {
  const time = `8101.${process.pid}`
  await lab.runner.start(lab.order('orphan', ['sh', '-c', `echo begun; setsid -f sleep ${time}; sleep ${time}`]))
  await until(async () => processesWith(`sleep\0${time}`).length === 2 && (await lab.output('orphan')) === 'begun\n', {
    what: 'the work and its first output',
  })
  const first = guardianPid()
  process.kill(first, 'SIGKILL')
  expect(await lab.ended('orphan')).toMatchObject({ id: 'orphan', error: 'guardian-died', logSize: 6 })
  expect(processesWith(time)).toEqual([])
  expect(await lab.run(lab.order('next', ['true']))).toMatchObject({ exitCode: 0 })
  expect(guardianPid()).not.toBe(first)
})

test('when the node is killed all its work is gone within half a second, its last words are heard, and the log is whole', async () => {
  const time = `8202.${process.pid}`
  const keeper = createSocket('udp4')
  const heard: string[] = []
  keeper.on('message', (message) => heard.push(message.toString()))
  keeper.bind(0, '127.0.0.1')
  await once(keeper, 'listening')
  const node = spawn(process.execPath, [NODE_SCRIPT, lab.dir, time, String(keeper.address().port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(node.stdout, 'data')
  await until(() => processesWith(`sleep\0${time}`).length === 8, { what: 'eight sleeping processes' })

  const before = performance.now()
  node.kill('SIGKILL')
  await until(() => processesWith(time).length === 0, { what: 'the end of the work', intervalMs: 2 })
  const goneMs = performance.now() - before
  await until(() => heard.length > 0, { what: 'the last words', intervalMs: 2 })
  process.stdout.write(
    `node killed: work gone after ${goneMs.toFixed(0)} ms, last words after ${(performance.now() - before).toFixed(0)} ms\n`,
  )
  await until(() => heard.length === 3, { what: 'all three copies' })
  expect(heard).toEqual(['epoch ended', 'epoch ended', 'epoch ended'])
  expect(await lab.output('work-0')).toBe('begun\n')
  expect(await lab.output('work-0', 3)).toBe('The run was stopped: its node died.\n')
  await lab.runner.leftovers()
  keeper.close()
})

test('a node that stops in order says no last words', async () => {
  const keeper = createSocket('udp4')
  let heard = 0
  keeper.on('message', () => heard++)
  keeper.bind(0, '127.0.0.1')
  await once(keeper, 'listening')
  lab.runner.lastWords(Buffer.from('epoch ended'), [{ host: '127.0.0.1', port: keeper.address().port }])
  await lab.run(lab.order('short', ['true']))
  const pid = guardianPid()
  await lab.runner.close({ drainMs: 1_000 })
  expect(processesWith('guardian.ts')).not.toContain(pid)
  expect(heard).toBe(0)
  keeper.close()
})

test('a runner that closes lets a short run finish, stops a long one, and takes no more', async () => {
  await lab.runner.start(lab.order('short', ['sleep', '0.2']))
  await lab.runner.start(lab.order('long', ['sleep', '8303']))
  await lab.runner.close({ drainMs: 600 })
  expect(await lab.ended('short')).toMatchObject({ exitCode: 0 })
  expect(await lab.ended('long')).toMatchObject({ signal: 'SIGTERM', stopped: 'its node stops' })
  await expect(lab.runner.start(lab.order('late', ['true']))).rejects.toMatchObject({ code: 'node-stopping' })
})

test('a new node waits for what a killed guardian of its predecessor left, and ends it', async () => {
  const time = `8404.${process.pid}`
  const node = spawn(process.execPath, [NODE_SCRIPT, lab.dir, time, '9'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(node.stdout, 'data')
  // Both at once: nobody is left to end the work but the next node.
  process.kill(guardianPid(), 'SIGKILL')
  node.kill('SIGKILL')
  await once(node, 'exit')
  expect(processesWith(time).length).toBeGreaterThan(0)
  await lab.runner.leftovers()
  expect(processesWith(time)).toEqual([])
})
