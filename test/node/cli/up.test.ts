// What `up` hands to the node and what it prints; the node itself is tested elsewhere.
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import type { Io } from '../../../node/cli/context.ts'
import { runProgram } from '../../../node/cli/program.ts'
import type { UpFlags } from '../../../node/cli/run-node.ts'

const INFO = {
  name: 'box',
  http: 'http://127.0.0.1:7777',
  signInUrl: 'http://127.0.0.1:7777/sign-in?code=x',
  peerId: 'P',
  mesh: 'm',
  addresses: ['/ip4/127.0.0.1/tcp/1'],
  pid: 1,
}

async function up(args: string[], input = ''): Promise<{ flags: UpFlags | undefined; out: string; code: number }> {
  const stdin = new PassThrough()
  stdin.end(input)
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  let flags: UpFlags | undefined
  const io = { stdin, stdout, stderr, env: {}, workDir: '/' } as unknown as Io
  const runNode = async (_cli: unknown, given: UpFlags, ready: (info: typeof INFO) => void) => {
    flags = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
    ready(INFO)
    return 0
  }
  const code = await runProgram(args, io, { runNode, version: '0', configHelp: '', binFile: '' })
  return { flags, out: String(stdout.read() ?? ''), code }
}

it('hands every flag on under its key', async () => {
  const { flags } = await up([
    'up',
    '--name',
    'box',
    '--http',
    '127.0.0.1:0',
    '--listen',
    '/ip4/0.0.0.0/tcp/0',
    '--role',
    'a',
    '--role',
    'b',
    '--skill',
    'c',
    '--label',
    'k=v=w',
    '--pool',
    'p',
    '--slots',
    '3',
    '--preset',
    'wan',
    '--mdns',
    '--accept',
    'shell',
    '--auth',
    'none',
    '--repo',
    'https://x.test/r',
  ])
  expect(flags).toEqual({
    name: 'box',
    http: '127.0.0.1:0',
    listen: ['/ip4/0.0.0.0/tcp/0'],
    roles: ['a', 'b'],
    skills: ['c'],
    labels: { k: 'v=w' },
    pool: 'p',
    slots: 3,
    preset: 'wan',
    mdns: true,
    accept: ['shell'],
    auth: 'none',
    repo: 'https://x.test/r',
  })
})

it('join is up with an invite, and - reads it from stdin', async () => {
  expect((await up(['join', 'nim1-abc'])).flags).toEqual({ join: 'nim1-abc' })
  expect((await up(['up', '--join', '-'], 'nim1-piped\n')).flags).toEqual({ join: 'nim1-piped' })
  expect((await up(['up', '--join', '-'])).code).toBe(2)
})

it('prints the ready line for people and for programs', async () => {
  expect((await up(['up'])).out).toBe(
    'ready box http://127.0.0.1:7777 (mesh m, peer P)\nsign in: http://127.0.0.1:7777/sign-in?code=x (once, within a minute; nimbus open makes another)\n',
  )
  expect((await up(['up', '--json'])).out).toBe(`${JSON.stringify({ event: 'ready', ...INFO })}\n`)
})
