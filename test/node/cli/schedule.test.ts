// `nimbus schedule` against the real HTTP server over a node in memory: what it prints, and what it refuses and why.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ScheduleView } from '../../../protocols/http/schedules.ts'
import type { Served } from '../api/serve.ts'
import { serveFake } from '../api/serve.ts'
import type { Ran } from './run-cli.ts'
import { runCli } from './run-cli.ts'

let served: Served
beforeAll(async () => {
  served = await serveFake()
})
afterAll(() => served.stop())

const nimbus = (...args: string[]): Promise<Ran> => runCli(['--data', served.dataDir, 'schedule', ...args])
const add = (...args: string[]): Promise<Ran> => nimbus('add', ...args, '--', 'sh', '-c', 'echo hi')

it('adds, shows the next five times in its zone, pauses, resumes and removes', async () => {
  const added = await add('nightly', '--cron', '30 2 * * *', '--timezone', 'Europe/Berlin', '--timeout', '5m', '--overlap', 'skip')
  expect(added).toMatchObject({ code: 0, stderr: '' })
  expect(added.stdout).toMatch(/^nightly ticks 30 2 \* \* \* \(Europe\/Berlin\); next at \d{4}-\d\d-\d\d 0[23]:[03]0:00 \S+\n$/)
  const shown = await nimbus('show', 'nightly')
  expect(shown.stdout.match(/0[23]:[03]0:00/g)).toHaveLength(5)
  const view = JSON.parse((await nimbus('show', 'nightly', '--json')).stdout) as ScheduleView
  expect(view).toMatchObject({
    state: 'active',
    overlap: 'skip',
    missed: 'latest',
    task: { argv: ['sh', '-c', 'echo hi'], timeoutMs: 300_000 },
  })
  expect(view.next).toHaveLength(5)
  expect((await nimbus('pause', 'nightly')).stdout).toBe('nightly is paused.\n')
  expect(JSON.parse((await nimbus('show', 'nightly', '--json')).stdout)).toMatchObject({ state: 'paused', next: [] })
  expect((await nimbus('resume', 'nightly')).stdout).toBe('nightly ticks again.\n')
  expect((await nimbus('ls')).stdout).toContain('nightly   active')
  expect((await nimbus('rm', 'nightly')).stdout).toBe('nightly is removed.\n')
  expect((await nimbus('ls')).stdout).toContain('No schedules.')
  expect((await nimbus('rm', 'nightly')).code).toBe(3)
}, 60_000)

it('adds by period and by moment, replaces only when told to', async () => {
  expect((await add('beat', '--every', '90s')).stdout).toContain('beat ticks every 1m 30s; next at ')
  expect((await add('once', '--at', '2999-01-01T08:00:00+01:00')).stdout).toContain('2999-01-01 07:00:00 UTC')
  const again = await add('beat', '--every', '60s')
  expect(again).toMatchObject({ code: 4, stdout: '' })
  expect(again.stderr).toContain('--replace')
  expect((await add('beat', '--every', '60s', '--replace')).stdout).toContain('every 1m;')
})

it.each([
  [['bad', '--cron', '61 * * * *'], 'Invalid value for minute: 61'],
  [['bad', '--cron', '* * *'], '3 fields, not five or six'],
  [['bad', '--cron', '0 0 30 2 *'], 'never comes true'],
  [['bad', '--cron', '0 0 * * *', '--timezone', 'Mars/Olympus'], 'no time zone "Mars/Olympus"'],
  [['bad', '--every', '10ms'], 'shorter than a second'],
  [['bad', '--every', '1h', '--timezone', 'UTC'], 'belongs to a cron line'],
  [['bad', '--at', '2001-01-01T00:00:00Z'], 'is over'],
  [['bad', '--at', 'tomorrow'], 'at'],
  [['bad'], 'exactly one of cron, every and at'],
  [['bad', '--every', '1h', '--at', '2999-01-01T00:00:00Z'], 'exactly one of cron, every and at'],
  [['no good', '--every', '1h'], 'a name: letters'],
  [['bad', '--every', '1h', '--delay', '5s'], '"delay"'],
  [['bad', '--every', '1h', '--dedupe', 'x'], '"dedupe"'],
  [['bad', '--every', '1h', '--dir', '.'], 'ships nothing'],
  [['bad', '--every', '1h', '--overlap', 'maybe'], 'allow'],
])('%j is refused with the reason', async (args, words) => {
  const ran = await add(...args)
  expect(ran).toMatchObject({ code: 2, stdout: '' })
  expect(ran.stderr).toContain(words)
})
