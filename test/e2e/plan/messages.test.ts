// Messages in a real mesh: between workers, from inside a task to its worker and back, and across crashes of both sides.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MessageView } from '../../../protocols/http/messages.ts'
import type { RealMesh, RealNode } from '../../support/real-mesh.ts'
import { BIN, createRealMesh } from '../../support/real-mesh.ts'
import { until } from '../../support/until.ts'

let mesh: RealMesh
let first: RealNode
let second: RealNode
beforeAll(async () => {
  mesh = await createRealMesh()
  first = await mesh.add('first')
  second = await mesh.add('second')
  await mesh.settled()
})
afterAll(() => mesh.close())

const inbox = async (node: RealNode, query = ''): Promise<MessageView[]> =>
  (await node.api<{ items: MessageView[] }>(`/api/messages${query}`)).body.items
const bodies = async (node: RealNode, query = ''): Promise<unknown[]> => (await inbox(node, query)).map(({ body }) => body)

test('a message reaches the other worker, is told in its event stream, and survives the crash of both before it is read', async () => {
  const events = await fetch(`${second.ready.http}/api/events?types=message.received`, {
    headers: { authorization: `Bearer ${second.token}`, accept: 'text/event-stream' },
  })
  const sent = await first.cli('msg', 'send', '--to', 'second', 'one')
  expect(sent).toMatchObject({ code: 0 })
  await until(async () => (await bodies(second)).includes('one'), { what: 'the message at the other worker' })
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader()
  let told = ''
  while (!told.includes('message.received')) told += (await reader.read()).value ?? ''
  await reader.cancel()
  expect(told).toContain(sent.stdout.trim())
  expect(told).not.toContain('"body"')
  expect(await bodies(first), 'it is in no other inbox').toEqual([])
  // Read, but never marked: the reader died. Both come back and it is there again.
  expect((await second.cli('msg', 'ls', '--unread')).stdout).toContain('one')
  await Promise.all([first.kill(), second.kill()])
  await Promise.all([first.restart(), second.restart()])
  await mesh.settled()
  expect(await bodies(second)).toEqual(['one'])
  const read = await second.cli('msg', 'read', sent.stdout.trim())
  expect(read).toMatchObject({ code: 0, stdout: 'one\n' })
  await second.kill()
  await second.restart()
  expect(await bodies(second), 'a mark is as durable as a message').toEqual([])
})

test('what was sent while the reader was away is delivered when it is back', async () => {
  await second.kill()
  const sent = await Promise.all([1, 2, 3].map((n) => first.api('/api/messages', { body: { to: { worker: 'second' }, body: { n } } })))
  for (const { status } of sent) expect([201, 202]).toContain(status)
  await second.restart()
  await until(async () => (await inbox(second)).length === 3, { what: 'three messages' })
  expect(new Set((await bodies(second)).map((body) => (body as { n: number }).n))).toEqual(new Set([1, 2, 3]))
  expect((await second.cli('msg', 'ls', '--ack', '--json')).stdout.trim().split('\n')).toHaveLength(3)
  expect(await bodies(second)).toEqual([])
})

test('a task speaks under its own name: to its worker, to a topic, and reads its own inbox only', async () => {
  const script = [
    'node "$BIN" msg send --to "$NIMBUS_WORKER" "hello from the task" >/dev/null',
    'node "$BIN" msg send --topic results --body-json \'{"ok":true}\' >/dev/null',
    'until node "$BIN" msg ls --ack --json | grep body; do :; done',
  ].join('\n')
  const run = await first.api<{ id: string }>('/api/tasks', {
    body: { argv: ['sh', '-c', script], worker: 'second', env: { BIN }, timeout: '60s' },
  })
  const { id } = run.body
  await until(async () => (await bodies(second)).includes('hello from the task'), { what: 'the word of the task', timeoutMs: 40_000 })
  const [word] = await inbox(second)
  expect(word).toMatchObject({ from: { task: id, workerName: 'second' } })
  await until(async () => (await bodies(first, '?topic=results')).length === 1, { what: 'the result in its topic' })
  expect(await bodies(first, '?topic=results')).toEqual([{ ok: true }])
  expect((await first.cli('msg', 'send', '--to', id, 'go on')).code).toBe(0)
  const ended = await until(async () => ((await first.task(id)).result === undefined ? undefined : first.task(id)), {
    what: 'the end of the task',
    timeoutMs: 40_000,
  })
  expect(ended.result?.tail).toContain('"body":"go on"')
  expect(await first.cli('msg', 'send', '--to', id, 'too late')).toMatchObject({ code: 4 })
})
