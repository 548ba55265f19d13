// What a person gets who mistypes, has no node, or asks for help: the right exit code, one clear line, the cure.
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nimbus-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('nimbus alone shows a short help and the first steps, and ends with 2', async () => {
  const ran = await runCli([])
  expect(ran.code).toBe(2)
  expect(ran.stdout).toBe('')
  expect(ran.stderr).toContain('nimbus task run -- echo hello')
})

it('help is no failure, and comes at once', async () => {
  const ran = await runCli(['--help'])
  expect(ran.code).toBe(0)
  for (const command of [
    'up',
    'join',
    'down',
    'leave',
    'invite',
    'status',
    'worker',
    'task',
    'logs',
    'events',
    'open',
    'doctor',
    'completion',
    'version',
  ])
    expect(ran.stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
})

it('up --help documents every key of the configuration', async () => {
  const ran = await runCli(['up', '--help'])
  for (const option of [
    '--name',
    '--http',
    '--listen',
    '--join',
    '--repo',
    '--role',
    '--skill',
    '--label',
    '--pool',
    '--slots',
    '--preset',
    '--mdns',
    '--accept',
    '--auth',
    '--detach',
  ])
    expect(ran.stdout).toContain(option)
})

describe('a mistake in the command line ends with 2, says what is wrong, and shows no stack:', () => {
  it.each([
    [['stauts'], "unknown command 'stauts'. Did you mean status?"],
    [['task', 'rnu'], "unknown command 'rnu'. Did you mean run?"],
    [['status', '--nope'], "unknown option '--nope'"],
    [['status', 'extra'], 'too many arguments'],
    [['task', 'show'], "missing required argument 'id'"],
    [['task', 'run'], 'There is no command to run.'],
    [['task', 'run', 'echo', 'hi'], 'There is no command to run.'],
    [['task', 'run', '--'], 'There is no command to run.'],
    [['task', 'run', '--priority', '10', '--', 'x'], '--priority is "10"; it takes a whole number from 0 to 9.'],
    [['task', 'run', '--timeout', '5 minutes', '--', 'x'], '--timeout is "5 minutes"; it takes a duration such as 500ms, 30s, 15m or 7d.'],
    [['task', 'run', '--env', 'NOVALUE', '--', 'x'], '--env "NOVALUE" is not K=V.'],
    [['status', '--data'], '--data needs a value.'],
    [['status', '--url', 'nonsense'], '"nonsense" is not the address of a node.'],
    [['completion', 'tcsh'], 'There is no completion for "tcsh".'],
    [['task', 'publish', '--file', '/none/there.jsonl'], 'cannot be read'],
    [['up', '--slots', 'many'], '--slots is "many"'],
  ])('%j', async (args, message) => {
    const ran = await runCli(['--data', folder, '--url', 'http://127.0.0.1:1', ...args.filter((word) => word !== '')])
    expect({ code: ran.code, said: ran.stderr.includes(message) ? message : ran.stderr }).toEqual({ code: 2, said: message })
    expect(ran.stderr).not.toMatch(/\n\s+at /)
    expect(ran.stdout).toBe('')
  })
})

describe('a configuration that is wrong names the key, the value and the cure:', () => {
  it.each([
    ['{"slots":"many"}', 'slots is "many": must be a whole number'],
    ['{"slot":2}', 'the key "slot" is not known. \n  Remove it. Known keys: name,'],
    ['{"preset":"fast"}', 'preset is "fast": must be local, lan or wan'],
    ['{"http":"7777"}', 'http is "7777": must be HOST:PORT'],
    ['{"repo":"file:///etc"}', 'repo is "file:///etc": must be an https, http, ssh or nimbus address'],
    ['{"roles":"build"}', 'roles is "build"'],
    ['{"name":', 'is not JSON'],
    ['[]', 'does not hold an object'],
    ['', 'is not JSON'],
  ])('%s', async (text, message) => {
    await writeFile(join(folder, 'nimbus.config.json'), text)
    const ran = await runCli(['up', '--data', folder], { cwd: folder })
    await rm(join(folder, 'nimbus.config.json'))
    expect(ran.stderr.replace('. \n', '.\n')).toContain(message.replace('. \n', '.\n'))
    expect(ran.code).toBe(2)
  })

  it('an unknown variable', async () => {
    const ran = await runCli(['up', '--data', folder], { env: { NIMBUS_SLOT: '2' } })
    expect(ran.stderr).toContain('the environment: the key "slot" is not known.')
    expect(ran.code).toBe(2)
  })

  it('no token on an address that others reach', async () => {
    const ran = await runCli(['up', '--data', folder, '--auth', 'none', '--http', '0.0.0.0:0'])
    expect(ran.stderr).toContain('auth is none and http is 0.0.0.0')
    expect(ran.code).toBe(2)
  })
})

describe('without a node', () => {
  it('a command ends with 5 and the cure', async () => {
    const ran = await runCli(['status', '--data', folder])
    expect(ran.code).toBe(5)
    expect(ran.stderr).toBe(
      `nimbus: No node is running with the data folder ${folder}.\n  Start one with \`nimbus up\`, or name another with --data DIR or --url URL.\n`,
    )
  })

  it('a command says so too where a node has ended without a word', async () => {
    const gone = join(folder, 'node.json')
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    await new Promise((resolve) => other.close(resolve))
    await writeFile(gone, JSON.stringify({ http: `http://127.0.0.1:${port}`, pid: 1 }))
    const ran = await runCli(['task', 'ls', '--data', folder])
    await rm(gone)
    expect(ran.code).toBe(5)
    expect(ran.stderr).toContain('Start it with `nimbus up`.')
  })

  it('task run ends with 125, since 5 could be the task’s own', async () => {
    expect((await runCli(['task', 'run', '--data', folder, '--', 'x'])).code).toBe(125)
  })

  it('somebody else who answers is not taken for a node', async () => {
    const other = createServer((socket) => socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const ran = await runCli(['status', '--url', `http://127.0.0.1:${port}`])
    other.close()
    expect(ran.stderr).toContain('in a way no node does')
    expect(ran.code).toBe(3)
  })

  it('doctor looks at the machine, and says what each missing part needs', async () => {
    const ran = await runCli(['doctor', '--data', folder, '--json'], { env: { PATH: '/none' } })
    const { checks } = JSON.parse(ran.stdout) as { checks: { name: string; state: string; cure?: string }[] }
    expect(checks.map((check) => check.name)).toEqual(
      expect.arrayContaining(['node', 'data folder', 'clock', 'git', 'chromium', 'bwrap', 'cargo', 'python3', 'claude', 'running node']),
    )
    expect(checks.find((check) => check.name === 'git')).toMatchObject({ state: 'absent', cure: 'apt-get install git' })
  })
})

it('works without HOME and with a terminal that can do nothing', async () => {
  const ran = await runCli(['version', '--json'], { env: { HOME: '', TERM: 'dumb' } })
  expect(JSON.parse(ran.stdout)).toMatchObject({ version: expect.any(String) })
})

it.each(['bash', 'zsh', 'fish'])('completion for %s knows the commands and their options', async (shell) => {
  const ran = await runCli(['completion', shell])
  for (const word of ['status', 'publish', 'priority', 'detach']) expect(ran.stdout).toContain(word)
})
