// What a broken or hostile client may send, against the real server on a real socket.
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawRequest } from './raw-request.ts'
import type { Served } from './serve.ts'
import { serveFake } from './serve.ts'

let served: Served
beforeAll(async () => {
  served = await serveFake()
})
afterAll(() => served.stop())

const raw = (text: string, options?: { timeoutMs?: number }) => rawRequest(served.port, text, options)
const host = () => `Host: 127.0.0.1:${served.port}\r\n`
const bearer = () => `Authorization: Bearer ${served.token}\r\n`

describe('a broken or hostile client', () => {
  it.each([
    ['a form', 'application/x-www-form-urlencoded', 'argv=true', 415],
    ['plain text', 'text/plain', '{"argv":["true"]}', 415],
    ['another charset', 'application/json; charset=utf-16', '{"argv":["true"]}', 415],
    ['no content type', undefined, '{"argv":["true"]}', 415],
    ['bytes that are not UTF-8', 'application/json', Buffer.from([0x7b, 0xff, 0x7d]), 400],
    ['text that is not JSON', 'application/json', '{argv:["true"]}', 400],
    ['nothing at all', 'application/json', '', 400],
    ['a body larger than 1 MiB', 'application/json', JSON.stringify({ argv: ['x'.repeat(1_100_000)] }), 413],
    ['500,000 nested arrays', 'application/json', '['.repeat(500_000) + ']'.repeat(500_000), 400],
    ['a key twice', 'application/json', '{"argv":["true"],"argv":["false"]}', 400],
    ['a key twice, written differently', 'application/json', '{"argv":["true"],"\\u0061rgv":["false"]}', 400],
    ['__proto__', 'application/json', '{"argv":["true"],"labels":{"__proto__":"x"}}', 400],
    ['constructor.prototype', 'application/json', '{"argv":["true"],"constructor":{"prototype":{"x":1}}}', 400],
    ['a number beyond all bounds', 'application/json', '{"argv":["true"],"priority":1e400}', 400],
    ['2^53+1 attempts', 'application/json', '{"argv":["true"],"attempts":9007199254740993}', 400],
    ['NUL in a word', 'application/json', '{"argv":["a\\u0000b"]}', 400],
    ['half a surrogate pair', 'application/json', '{"argv":["\\ud800"]}', 400],
    [
      'fields that are not its to set',
      'application/json',
      '{"argv":["true"],"role":"admin","owner":"me","workerId":"x","createdAt":1}',
      400,
    ],
    ['a word as a whole', 'application/json', '"argv"', 400],
    ['an empty list of tasks', 'application/json', '{"tasks":[]}', 400],
    ['10,001 tasks', 'application/json', JSON.stringify({ tasks: Array(10_001).fill({ argv: ['a'] }) }), 400],
    ['an option as a ref', 'application/json', '{"argv":["true"],"ref":"--upload-pack=x"}', 400],
    ['a repository by ext::', 'application/json', '{"argv":["true"],"repo":"ext::sh -c id"}', 400],
    ['a repository by file:', 'application/json', '{"argv":["true"],"repo":"file:///etc"}', 400],
  ])('sends %s and is refused by a problem with a code', async (_name, type, body, status) => {
    const before = served.node.tasks({ limit: 500 }).items.length
    const response = await fetch(`${served.origin}/api/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${served.token}`, ...(type === undefined ? {} : { 'content-type': type }) },
      body: type === undefined ? Buffer.from(body) : body,
    })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({ status, code: expect.stringMatching(/^[a-z-]+$/), detail: expect.any(String) })
    expect(served.node.tasks({ limit: 500 }).items.length).toBe(before)
    expect(Object.prototype).not.toHaveProperty('x')
  })

  it.each(['367d', '9007199254740990ms', 366 * 86_400_000 + 1])('cannot have an invite that lasts for %s', async (expires) => {
    const response = await served.request('POST', '/api/invites', { body: { expires } })
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ errors: [{ path: 'expires', message: 'must be at most 366d' }] }),
    ])
  })

  it('names each unknown key', async () => {
    const response = await served.request('POST', '/api/tasks', { body: { argv: ['true'], owner: 'me', role: 'admin' } })
    expect(((await response.json()) as { errors: unknown[] }).errors).toEqual([
      { path: 'owner', message: 'is not a known key' },
      { path: 'role', message: 'is not a known key' },
    ])
  })

  it('cannot slip a large body past the limit in chunks', async () => {
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 30; i++) controller.enqueue(new TextEncoder().encode(' '.repeat(50_000)))
        controller.close()
      },
    })
    const response = await fetch(`${served.origin}/api/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${served.token}`, 'content-type': 'application/json' },
      body,
      duplex: 'half',
    })
    expect(response.status).toBe(413)
  })

  it('cannot send a compressed bomb', async () => {
    const body = gzipSync(Buffer.alloc(50_000_000))
    const response = await fetch(`${served.origin}/api/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${served.token}`, 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body,
    })
    expect(response.status).toBe(415)
  })

  it.each([
    [
      'both lengths',
      () =>
        `POST /api/tasks HTTP/1.1\r\n${host()}${bearer()}Content-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['two lengths', () => `POST /api/tasks HTTP/1.1\r\n${host()}${bearer()}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}`],
    ['bare line feeds', () => `GET /api/mesh HTTP/1.1\n${host()}\n`],
    ['NUL in a header', () => `GET /api/mesh HTTP/1.1\r\n${host()}X: a\0b\r\n\r\n`],
    ['a folded header', () => `GET /api/mesh HTTP/1.1\r\n${host()}X: a\r\n b\r\n\r\n`],
    ['a header of 20 kB', () => `GET /api/mesh HTTP/1.1\r\n${host()}X: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['3,000 headers', () => `GET /api/mesh HTTP/1.1\r\n${host()}${Array.from({ length: 3000 }, (_, i) => `X${i}: 1\r\n`).join('')}\r\n`],
    ['TRACE', () => `TRACE /api/mesh HTTP/1.1\r\n${host()}${bearer()}\r\n`],
    ['CONNECT', () => `CONNECT evil.test:80 HTTP/1.1\r\n${host()}${bearer()}\r\n`],
  ])('sends %s and gets nothing', async (_name, request) => {
    const answer = await raw(request())
    expect(answer.text).not.toContain('fakemesh')
    expect([0, 400, 404, 405, 415, 431, 500]).toContain(answer.status)
    expect(answer.status).not.toBe(500)
    expect((await served.request('GET', '/api/health')).status).toBe(200)
  })

  it('cannot override the method', async () => {
    const response = await served.request('GET', '/api/workers/box', {
      headers: { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' },
    })
    expect(response.status).toBe(200)
    expect(served.node.calls.filter((call) => call.startsWith('remove'))).toEqual([])
  })

  it('that is slow with its header is cut off within seconds', async () => {
    const answer = await raw('GET /api/mesh HTTP/1.1\r\nHost: ', { timeoutMs: 9000 })
    expect(answer.status).toBe(408)
    expect(answer.tookMs).toBeLessThan(8000)
  }, 10_000)

  it('may send a hundred requests in one go', async () => {
    const socket = connect(served.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (piece) => (answer += String(piece)))
    socket.write(`GET /api/health HTTP/1.1\r\n${host()}\r\n`.repeat(100))
    await expect.poll(() => answer.split('HTTP/1.1 200').length - 1, { timeout: 5000 }).toBe(100)
    socket.destroy()
  })
})

describe('lists', () => {
  it.each(['-1', '0', '1000000000', 'ten', '1e2', ' 5', '%00', '5.0'])('refuse limit=%s', async (limit) => {
    for (const path of ['/api/tasks', '/api/workers']) {
      const response = await served.request('GET', `${path}?limit=${limit}`)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ code: 'invalid-input', errors: [{ path: 'limit' }] })
    }
  })

  it('refuse parameters that they do not know, and one given twice', async () => {
    expect((await served.request('GET', '/api/tasks?foo=1')).status).toBe(400)
    expect((await served.request('GET', '/api/tasks?limit=1&limit=2')).status).toBe(400)
  })

  it('go on where the cursor says', async () => {
    await served.request('POST', '/api/tasks', { body: { tasks: [{ argv: ['a'] }, { argv: ['b'] }, { argv: ['c'] }] } })
    const first = (await (await served.request('GET', '/api/tasks?limit=2')).json()) as { items: { id: string }[]; next: string }
    const second = (await (await served.request('GET', `/api/tasks?limit=2&cursor=${first.next}`)).json()) as { items: { id: string }[] }
    expect(first.items).toHaveLength(2)
    expect(second.items[0]!.id).not.toBe(first.items[1]!.id)
  })
})

it.each(['..', '%2e%2e', '%2f', '..%2f..%2ftoken', '%00', 'a%2fb', '__proto__', 'constructor', "'; DROP TABLE tasks", '%e2%80%ae', '%ff'])(
  'an ID such as %s is not found, and nothing else happens',
  async (id) => {
    const answer = await raw(`GET /api/tasks/${id} HTTP/1.1\r\n${host()}${bearer()}\r\n`)
    expect([400, 404]).toContain(answer.status === 200 ? 200 : answer.status)
  },
)

it('every answer carries the safety headers', async () => {
  for (const path of ['/', '/api/mesh', '/nothing', '/docs']) {
    const { headers } = await served.request('GET', path)
    expect(headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(headers.get('content-security-policy')).not.toContain('unsafe')
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})
