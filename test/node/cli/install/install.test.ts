// The files for service managers: read back by the managers' own tools, written once, removed without the data, never over another's.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findTool } from '../../../../node/runner/commands/find-tools.ts'
import { placeOf, writeUnit } from '../../../../node/cli/install/install-unit.ts'
import { launchdList, systemdUnit } from '../../../../node/cli/install/units.ts'
import { BIN, runCli } from '../../../support/real-mesh.ts'
import { requirement } from '../../../support/requirements.ts'

const python = requirement('python3')
let home: string
beforeEach(() => void (home = mkdtempSync(join(tmpdir(), 'nimbus install %h $x "q" '))))
afterEach(() => rmSync(home, { recursive: true, force: true }))

const nimbus = (...args: string[]) =>
  runCli(args, { dataDir: join(home, '.nimbus'), env: { HOME: home, XDG_CONFIG_HOME: join(home, '.config') } })
const unit = () => join(home, '.config', 'systemd', 'user', 'nimbus.service')

test('a unit is written, checked by systemd itself where it is here, left alone the second time, and removed without the data', async () => {
  mkdirSync(join(home, '.nimbus'))
  writeFileSync(join(home, '.nimbus', 'precious'), '')
  const first = await nimbus('install', '--user', '--no-start', '--', '--pool', 'a b')
  expect(first).toMatchObject({ code: 0, stdout: `${unit()} is written.\n` })
  expect(first.stderr).toContain('systemctl --user enable --now nimbus.service')
  const text = readFileSync(unit(), 'utf8')
  expect(text).toContain('"--pool" "a b"\n')
  expect(await nimbus('install', '--no-start', '--', '--pool', 'a b')).toMatchObject({ stdout: `${unit()} is as it should be.\n` })
  expect(await nimbus('install', '--no-start', '--json')).toMatchObject({
    code: 0,
    stdout: `${JSON.stringify({ file: unit(), changed: true, started: false })}\n`,
  })
  expect(readdirSync(dirname(unit())), 'nothing is left beside it').toEqual(['nimbus.service'])
  expect(await nimbus('uninstall', '--no-start')).toMatchObject({
    code: 0,
    stdout: `${unit()} is removed; ${join(home, '.nimbus')} stays.\n`,
  })
  expect([existsSync(unit()), existsSync(join(home, '.nimbus', 'precious'))]).toEqual([false, true])
  expect(await nimbus('uninstall', '--no-start')).toMatchObject({ code: 0, stdout: `There is no ${unit()}.\n` })
})

test('what systemd would not read is not written, and says so', async () => {
  const env = { PATH: process.env['PATH'], HOME: home }
  const place = placeOf('systemd', 'user', join(home, '.nimbus-two'), home, env)
  expect(place).toMatchObject({ name: 'nimbus-two', file: join(home, '.config', 'systemd', 'user', 'nimbus-two.service') })
  const text = systemdUnit({ ...order, argv: [process.execPath, BIN] })
  const broken = text.replace('Restart=on-failure', 'Restart=sometimes')
  const hasTool = findTool('systemd-analyze', env.PATH ?? '') !== undefined
  if (hasTool)
    await expect(writeUnit(place, broken, env)).rejects.toMatchObject({
      code: 'unit-refused',
      message: expect.stringContaining('sometimes'),
    })
  expect(existsSync(place.file)).toBe(false)
  expect(await writeUnit(place, text, env)).toBe(true)
  expect(await writeUnit(place, text, env)).toBe(false)
})

test("somebody else's file is left as it is, and what does not belong into a unit is refused", async () => {
  mkdirSync(dirname(unit()), { recursive: true })
  writeFileSync(unit(), '[Service]\nExecStart=/bin/true\n')
  for (const verb of ['install', 'uninstall']) {
    const refused = await nimbus(verb, '--no-start')
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('was not made by nimbus install')])
  }
  expect(readFileSync(unit(), 'utf8')).toBe('[Service]\nExecStart=/bin/true\n')
  expect((await nimbus('install', '--print', '--', '--join', 'nim1-x')).code).toBe(2)
  expect((await nimbus('install', '--print', '--', '--pool', 'a\nExecStartPre=/bin/evil')).code).toBe(2)
})

const order = {
  argv: ['/usr/bin/node', BIN, 'up', '--data', '/a b/%h/$HOME/"q"/\\x/<&>', "it's"],
  dataDir: '/a b',
  path: '/usr/bin',
  scope: 'user',
} as const

test('words of a unit are quoted so that systemd reads them as they are', () => {
  const line = systemdUnit(order)
    .split('\n')
    .find((one) => one.startsWith('ExecStart='))
  expect(line).toBe(`ExecStart="/usr/bin/node" "${BIN}" "up" "--data" "/a b/%%h/$$HOME/\\"q\\"/\\\\x/<&>" "it's"`)
})

test.skipIf(!python.present)(python.title('a property list is read back word for word'), () => {
  const script = 'import plistlib,sys,json; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))'
  const read: unknown = JSON.parse(
    execFileSync(python.path ?? '', ['-c', script], { input: launchdList('org.nimbus.nimbus', order), encoding: 'utf8' }),
  )
  expect(read).toMatchObject({
    Label: 'org.nimbus.nimbus',
    ProgramArguments: order.argv,
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
  })
})
