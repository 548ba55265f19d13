// What a real node refuses over real sockets: a named problem each time, and a node that goes on.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawRequest } from '../../node/api/raw-request.ts'
import type { RealNode } from '../../support/real-mesh.ts'
import { startRealNode } from '../../support/real-mesh.ts'

let folder: string
let node: RealNode
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nimbus-refusals-'))
  node = await startRealNode(folder, 'box', [])
})
afterAll(async () => {
  await node?.kill()
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

type Sent = { method?: string; path: string; headers?: Record<string, string>; body?: string; token?: false; host?: string }
const json = { 'content-type': 'application/json' }
const task = (body: string, headers: Record<string, string> = json): Sent => ({ method: 'POST', path: '/api/tasks', headers, body })
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
}

const TABLE: [string, Sent, number, string][] = [
  ['argv as text', task('{"argv":"npm test"}'), 400, 'invalid-input'],
  ['a priority of 12', task('{"argv":["a"],"priority":12}'), 400, 'invalid-input'],
  ['a key that does not exist', task('{"argv":["a"],"owner":"me"}'), 400, 'invalid-input'],
  ['what is not JSON', task('{argv}'), 400, 'invalid-json'],
  ['a form', task('argv=a', { 'content-type': 'application/x-www-form-urlencoded' }), 415, 'not-json'],
  ['a body of 2 MB', task(JSON.stringify({ argv: ['x'.repeat(2_000_000)] })), 413, 'body-too-large'],
  ['100,000 nested lists', task('['.repeat(100_000)), 400, 'invalid-json'],
  ['an unknown task', { path: '/api/tasks/01m83zth00000000000000000a' }, 404, 'task-unknown'],
  ['an ID that is none', { path: '/api/tasks/..%2f..%2ftoken' }, 404, 'task-unknown'],
  ['to cancel an unknown task', { method: 'POST', path: '/api/tasks/nothing/cancel' }, 404, 'task-unknown'],
  ['the output of an unknown task', { path: '/api/tasks/nothing/log' }, 404, 'task-unknown'],
  ['an unknown worker', { path: '/api/workers/nobody' }, 404, 'worker-unknown'],
  ['a route that does not exist', { path: '/api/nothing' }, 404, 'route-unknown'],
  ['a limit of -1', { path: '/api/tasks?limit=-1' }, 400, 'invalid-input'],
  ['no token', { path: '/api/mesh', token: false }, 401, 'sign-in-needed'],
  ['a wrong token', { path: '/api/mesh', token: false, headers: { authorization: 'Bearer wrong' } }, 401, 'token-wrong'],
  ['a Host that rebinds', { path: '/api/mesh', host: 'evil.test' }, 421, 'wrong-host'],
  ['a foreign Origin', { ...task('{"argv":["a"]}'), headers: { ...json, origin: 'https://evil.test' } }, 403, 'foreign-origin'],
  ['another site', { path: '/api/mesh', headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' } }, 403, 'foreign-site'],
]

test.each(TABLE)('%s is refused by name', async (_what, sent, status, code) => {
  const answer = await send(sent)
  expect(answer.status, answer.text.slice(0, 500)).toBe(status)
  expect(JSON.parse(/\{.*\}/s.exec(answer.text)?.[0] ?? '{}')).toMatchObject({ status, code, detail: expect.any(String) })
})

// The answer to a refused upgrade has no body: its status is all that a browser shows.
test.each([
  ['without a ticket', '/api/events', {}, 401],
  ['with a wrong ticket', '/api/events?ticket=wrong', {}, 401],
  ['of a foreign page', '/api/events', { origin: 'https://evil.test' }, 403],
  ['of a program that names no page and has no token', '/api/events', { origin: '' }, 403],
])('a WebSocket %s is not opened', async (_what, path, headers, status) => {
  const sent = { origin: node.ready.http, ...headers }
  const given = Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== ''))
  expect((await send({ path, token: false, headers: { ...UPGRADE, ...given } })).status).toBe(status)
})

test('an ended task is not cancelled twice', async () => {
  const id = (JSON.parse((await node.cli('task', 'publish', '--json', '--', 'true')).stdout) as { id: string }).id
  expect((await node.cli('task', 'wait', id)).code).toBe(0)
  const refused = await node.api<{ code: string }>(`/api/tasks/${id}/cancel`, { method: 'POST' })
  expect(refused).toMatchObject({ status: 409, body: { code: 'task-ended' } })
  expect((await node.cli('task', 'cancel', id)).code).toBe(4)
})

test('after all of it the same process answers, and no task came of it', async () => {
  expect(node.child.exitCode).toBeNull()
  const { body } = await node.api<{ items: unknown[] }>('/api/tasks')
  expect(body.items).toHaveLength(1)
})

/** By hand, because no client sends a foreign Host or a body that is not read to its end. */
async function send({ method = 'GET', path, headers = {}, body = '', token, host }: Sent): Promise<{ status: number; text: string }> {
  const { port, host: own } = new URL(node.ready.http)
  const all = {
    host: host ?? own,
    ...(token === false ? {} : { authorization: `Bearer ${node.token}` }),
    ...(body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    connection: 'close',
    ...headers,
  }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return rawRequest(Number(port), `${method} ${path} HTTP/1.1\r\n${head.join('')}\r\n${body}`, { timeoutMs: 5_000 })
}
