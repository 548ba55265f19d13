// `nimbus msg` against the real HTTP server over a node in memory: its output, its exit codes, and what a task's token may.
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Served } from '../api/serve.ts'
import { serveFake } from '../api/serve.ts'
import { until } from '../../support/until.ts'
import type { Ran, Running } from './run-cli.ts'
import { runCli, startCli } from './run-cli.ts'

let served: Served
beforeAll(async () => {
  served = await serveFake()
})
afterAll(() => served.stop())

const nimbus = (...args: string[]): Promise<Ran> => runCli(['--data', served.dataDir, 'msg', ...args])
const start = (...args: string[]): Running => startCli(['--data', served.dataDir, 'msg', ...args])

it('send prints the ID, ls shows it inert, read prints and marks it', async () => {
  const hostile = '\u001b]52;c;aGk=\u0007\u001b[2J\r\b\u009b31m\u202egnp.exe\u200b'
  const sent = await nimbus('send', '--to', 'box', '--', hostile, 'and', 'more')
  expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-z]{26}\n$/) })
  const id = sent.stdout.trim()
  const listed = await nimbus('ls')
  expect(listed.stdout).toContain(id)
  const read = await nimbus('read', id)
  // oxlint-disable-next-line no-control-regex -- that is what must not be there
  for (const text of [listed.stdout, read.stdout, read.stderr])
    expect(text).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\u200b]/)
  expect(read.stdout).toContain('and more')
  expect(read.stderr).toContain('from box at ')
  expect((await nimbus('ls')).stdout).toBe('No messages.\n')
  expect(await nimbus('read', id)).toMatchObject({ code: 3 })
})

it('sends JSON and stdin, and lists JSON lines', async () => {
  await nimbus('send', '--topic', 'news', '--body-json', '{"n":[1,2]}')
  await runCli(['--data', served.dataDir, 'msg', 'send', '--topic', 'news', '-'], { input: 'two\nlines\n' })
  const lines = (await nimbus('ls', '--topic', 'news', '--unread', '--ack', '--json')).stdout.trim().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { body: unknown }).body)).toEqual([{ n: [1, 2] }, 'two\nlines\n'])
  expect((await nimbus('ls', '--topic', 'news', '--unread')).stdout).toBe('No messages.\n')
  expect((await nimbus('ls', '--topic', 'news')).stdout).toContain(' read ')
})

it('tail prints what is unread and what comes, each once', async () => {
  await nimbus('send', '--topic', 'tail', 'before')
  const tail = start('tail', '--topic', 'tail', '--ack', '--json')
  await until(() => tail.stdout().includes('before'), { what: 'the message from before' })
  await nimbus('send', '--topic', 'tail', 'after')
  served.node.emit('message.received', 'message', 'x')
  await until(() => tail.stdout().includes('after'), { what: 'the new message' })
  await until(async () => (await nimbus('ls', '--topic', 'tail', '--unread')).stdout === 'No messages.\n', { what: 'both marked' })
  tail.child.kill()
  const bodies = (await tail.ended).stdout.trim().split('\n')
  expect(bodies.map((line) => (JSON.parse(line) as { body: unknown }).body)).toEqual(['before', 'after'])
})

it.each([
  [['send', 'hello'], 2, 'no address'],
  [['send', '--to', 'box', '--topic', 'news', 'hello'], 2, 'two addresses'],
  [['send', '--to', 'box'], 2, 'empty'],
  [['send', '--to', 'box', '--body-json', '{'], 2, 'not JSON'],
  [['send', '--topic', 'no good', 'x'], 2, 'a topic: letters'],
  [['send', '--to', 'nobody', 'x'], 3, 'no worker nobody'],
  [['send', '--to', 'parent', 'x'], 3, 'no parent'],
  [['send', '--to', 'box', 'x'.repeat(70_000)], 2, '65536 is the limit'],
  [['read', '01aaaaaaaaaaaaaaaaaaaaaaaa'], 3, 'no message'],
])('%# ends with its code and says why', async (args, code, words) => {
  const ran = await nimbus(...args)
  expect(ran).toMatchObject({ code, stdout: '' })
  expect(ran.stderr).toContain(words)
})
