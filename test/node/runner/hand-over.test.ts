// Work that outlives its node: one client leaves it with its guardian, another takes it over; real processes, one guardian.
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { serialize } from 'node:v8'
import { afterAll, expect, test } from 'vitest'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import { createRunner } from '../../../node/runner/guardian-client.ts'
import { frameBytes } from '../../../node/runner/local-socket.ts'
import { readProcess } from '../../../node/runner/process-sweep.ts'
import type { RunEnd } from '../../../node/runner/run-order.ts'
import { createRunLab, processesWith } from '../../support/run-lab.ts'
import { until } from '../../support/until.ts'

const lab = createRunLab()
afterAll(() => lab.close())

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6
const state = (pid: number): string | undefined => readProcess(pid)?.state
const client = () => createRunner({ clock: createSystemClock(), log: silentLog, dataDir: lab.dir })
const time = `${7_300 + (process.pid % 500)}.73`
const LEFT = { key: 'the key', note: 'a note', patienceMs: 60_000 }

test('a run that is left stands still, goes on under the next client once its lease is told, and ends there once', async () => {
  const [first, second, third] = [client(), client(), client()]
  const ends: RunEnd[][] = [first, second, third].map((one) => {
    const seen: RunEnd[] = []
    one.onEnd((end) => seen.push(end))
    return seen
  })
  first.lease('1.1', nowMs() + 60_000)
  const argv = ['sh', '-c', 'echo begun; until [ -e go ]; do sleep 0.02; done; echo done; exit 3']
  const { pid } = await first.start(lab.order('left', argv, { lease: '1.1', mask: ['secret'] }))
  await first.start(lab.order('not-left', ['sleep', time], { lease: '1.1' }))
  const guardians = await first.handOver({ ids: ['left'], ...LEFT })
  expect(guardians).toEqual([{ pid: expect.any(Number) as number, socket: expect.stringContaining(lab.dir) as string }])
  await until(() => state(pid) === 'T', { what: 'the work to stand still', timeoutMs: 20_000 })
  expect([first.running(), ends[0]?.map(({ id }) => id)]).toEqual([[], ['not-left']])
  // The client before has no word any more.
  first.lease('1.1', nowMs() + 60_000)

  // A stranger is cut off, and the guardian goes on waiting.
  const stranger = connect(guardians[0]!.socket).on('error', () => {})
  stranger.write(frameBytes(serialize({ type: 'adopt', key: 'a guess' })))
  await new Promise((resolve) => stranger.once('close', resolve))

  const taken = await second.takeOver({ guardians, key: LEFT.key })
  expect(taken).toMatchObject({ note: LEFT.note, runs: [{ pid, order: { id: 'left', mask: ['secret'] } }] })
  second.hear()
  expect([state(pid), second.running(), existsSync(guardians[0]!.socket)]).toEqual(['T', ['left'], false])
  second.lease('1.1', nowMs() + 60_000)
  await until(() => state(pid) !== 'T', { what: 'the thaw', timeoutMs: 20_000 })

  // Again: what was taken over is left a second time, and a new run has a guardian of its own.
  await second.start(lab.order('own', ['sleep', time]))
  const again = await second.handOver({ ids: ['left'], ...LEFT })
  expect(again.map((one) => one.pid)).toEqual(guardians.map((one) => one.pid))
  expect(await third.takeOver({ guardians: again, key: LEFT.key })).toBeDefined()
  third.hear()
  third.lease('1.1', nowMs() + 60_000)
  await lab.run(lab.order('go', ['touch', 'go']))
  await until(() => ends[2]!.length, { what: 'the end', timeoutMs: 20_000 })
  expect(ends[2]).toMatchObject([{ id: 'left', exitCode: 3 }])
  expect(
    ends
      .slice(0, 2)
      .flat()
      .filter(({ id }) => id === 'left'),
  ).toEqual([])
  expect(await lab.output('left')).toBe('begun\ndone\n')
  await Promise.all([first, second, third].map((one) => one.close({ drainMs: 0 })))
  await until(() => readProcess(guardians[0]!.pid) === undefined || state(guardians[0]!.pid) === 'Z', { what: 'the end of the guardian' })
}, 60_000)

test('work for which nobody comes is ended, and whoever comes too late is told so', async () => {
  const [first, second] = [client(), client()]
  first.lease('1.1', nowMs() + 60_000)
  await first.start(lab.order('alone', ['sh', '-c', `setsid -f sleep ${time}9; sleep ${time}9`], { lease: '1.1' }))
  const sleepers = (): number => processesWith(`sleep\0${time}9`).length
  await until(() => sleepers() === 2, { what: 'the work to begin', timeoutMs: 20_000 })
  const guardians = await first.handOver({ ids: ['alone'], ...LEFT, patienceMs: 300 })
  expect(guardians).toHaveLength(1)
  await until(() => sleepers() === 0, { what: 'the end of the work', timeoutMs: 20_000 })
  expect(await second.takeOver({ guardians, key: LEFT.key })).toBeUndefined()
  await second.leftovers()
})
