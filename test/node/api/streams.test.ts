// Long answers: events by WebSocket and by SSE, logs. Real sockets, real back-pressure.
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { until } from '../../support/until.ts'
import type { Served } from './serve.ts'
import { serveFake } from './serve.ts'

let served: Served
beforeAll(async () => {
  served = await serveFake()
})
afterAll(() => served.stop())
afterEach(async () => {
  // Whatever a test opened is gone at its end: a stream that outlives its client is a leak.
  for (const socket of sockets.splice(0)) socket.terminate()
  await until(() => served.node.readers() === 0, { timeoutMs: 20_000, what: 'every stream to end' })
})
type Message = { type: string; id?: string; cursor?: string }
const sockets: WebSocket[] = []
const received = new Map<WebSocket, Message[]>()

const wsUrl = (query = '') => `${served.origin.replace('http', 'ws')}/api/events${query}`
const bearer = () => ({ authorization: `Bearer ${served.token}` })

/** Opens a socket; resolves with the status where the server refuses it. */
async function open(url: string, headers: Record<string, string>): Promise<WebSocket | number> {
  const socket = new WebSocket(url, { headers })
  sockets.push(socket)
  received.set(socket, [])
  socket.on('message', (data: Buffer) => received.get(socket)!.push(JSON.parse(data.toString()) as Message))
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket))
    socket.once('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0)
      socket.terminate()
    })
    socket.once('error', reject)
  })
}

async function opened(query = ''): Promise<WebSocket> {
  const readers = served.node.readers()
  const socket = await open(wsUrl(query), bearer())
  if (typeof socket === 'number') throw new Error(`refused with ${socket}`)
  await expect.poll(() => served.node.readers()).toBeGreaterThan(readers)
  return socket
}

async function ticket(headers: Record<string, string> = bearer()): Promise<string> {
  const response = await fetch(`${served.origin}/api/events/ticket`, { method: 'POST', headers })
  return ((await response.json()) as { ticket: string }).ticket
}

async function cookieAndCsrf() {
  const response = await fetch(served.api.signInUrl(), { redirect: 'manual' })
  const cookie = response.headers.get('set-cookie')!.split(';')[0]!
  const { csrf } = (await (await fetch(`${served.origin}/api/session`, { headers: { cookie } })).json()) as { csrf: string }
  return { cookie, 'x-nimbus-csrf': csrf }
}

describe('a WebSocket', () => {
  it('of a foreign page, of none, or of a hidden one is refused', async () => {
    expect(await open(wsUrl(), { ...bearer(), origin: 'http://evil.test' })).toBe(403)
    expect(await open(wsUrl(), { ...bearer(), origin: 'null' })).toBe(403)
    expect(await open(wsUrl(), await cookieAndCsrf())).toBe(403)
    expect(await open(wsUrl(`?ticket=${await ticket()}`), {})).toBe(403)
  })

  it('of the dashboard needs a ticket, which works once', async () => {
    const session = await cookieAndCsrf()
    expect(await open(wsUrl(), { origin: served.origin, ...session })).toBe(401)
    const one = await ticket(session)
    const socket = await open(wsUrl(`?ticket=${one}`), { origin: served.origin })
    expect(socket).toBeInstanceOf(WebSocket)
    ;(socket as WebSocket).terminate()
    expect(await open(wsUrl(`?ticket=${one}`), { origin: served.origin })).toBe(401)
    expect(await open(wsUrl('?ticket=guess'), { origin: served.origin })).toBe(401)
  })

  it('of a program needs its token', async () => {
    expect(await open(wsUrl(), { authorization: 'Bearer nimt-wrong' })).toBe(401)
    await opened()
  })

  it('closes when its session signs out, within a second', async () => {
    const session = await cookieAndCsrf()
    const socket = (await open(wsUrl(`?ticket=${await ticket(session)}`), { origin: served.origin })) as WebSocket
    const closed = once(socket, 'close')
    await fetch(`${served.origin}/api/session`, { method: 'DELETE', headers: session })
    const [code] = (await Promise.race([closed, new Promise((_, reject) => setTimeout(() => reject(new Error('still open')), 1000))])) as [
      number,
    ]
    expect(code).toBe(1008)
  })

  it('carries events, chosen by type and entity', async () => {
    const socket = await opened('?types=task.*&entity=task/wanted')
    served.node.emit('task.updated', 'task', 'other')
    served.node.emit('worker.updated', 'worker', 'wanted')
    served.node.emit('task.updated', 'task', 'wanted')
    await expect.poll(() => received.get(socket)!.length).toBe(1)
    expect(received.get(socket)![0]).toMatchObject({ type: 'task.updated', entity: 'task', id: 'wanted', cursor: expect.any(String) })
  })

  it('goes on from a cursor, and says a gap', async () => {
    served.node.emit('task.updated', 'task', 'one')
    const first = await opened('?since=c1')
    await expect.poll(() => received.get(first)![0]).toMatchObject({ cursor: 'c2' })
    const lost = await opened('?since=unknown')
    await expect.poll(() => received.get(lost)![0]).toEqual({ type: 'resync' })
  })

  it('ends the source when the client goes', async () => {
    const before = served.node.readers()
    const socket = await opened()
    socket.terminate()
    await expect.poll(() => served.node.readers()).toBe(before)
  })

  it('with a message over 256 kB is closed with 1009', async () => {
    const socket = await opened()
    const closed = once(socket, 'close')
    socket.on('error', () => {}) // the connection may break while it still sends
    socket.send('x'.repeat(30_000_000))
    expect([1009, 1006]).toContain(((await closed) as [number])[0])
  })

  it('that talks without end is closed', async () => {
    const socket = await opened()
    const closed = once(socket, 'close')
    socket.on('error', () => {})
    for (let i = 0; i < 5000; i++) socket.send('')
    expect(((await closed) as [number])[0]).toBe(1008)
  })

  it('offers no compression, so that no bomb fits', async () => {
    const socket = await opened()
    expect(socket.extensions).toBe('')
  })

  it('that does not read is closed with 1013', async () => {
    const socket = await opened()
    socket.pause()
    const data = 'x'.repeat(100_000)
    for (let i = 0; i < 200; i++) served.node.emit('task.log', 'task', 'flood', data)
    const closed = once(socket, 'close')
    await expect.poll(() => served.node.readers(), { timeout: 14_000, interval: 200 }).toBe(0)
    socket.resume()
    expect(((await closed) as [number])[0]).toBe(1013)
  }, 20_000)

  it('is not what another Upgrade asks for', async () => {
    const socket = connect(served.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (piece) => (answer += String(piece)))
    socket.write(`GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:${served.port}\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n`)
    await expect.poll(() => answer).toContain('200 OK')
    socket.destroy()
  })

  it('on another path is refused', async () => {
    expect(await open(`${served.origin.replace('http', 'ws')}/api/nothing`, bearer())).toBe(404)
  })
})

describe('server-sent events', () => {
  it('carry the same, with the cursor as their id', async () => {
    const gone = new AbortController()
    const response = await fetch(`${served.origin}/api/events?types=worker.updated`, {
      headers: { ...bearer(), accept: 'text/event-stream' },
      signal: gone.signal,
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    let text = ''
    const reading = (async () => {
      for await (const piece of response.body!) text += Buffer.from(piece).toString()
    })().catch(() => {}) // ends by the abort below
    await expect.poll(() => served.node.readers()).toBeGreaterThan(0)
    served.node.emit('worker.updated', 'worker', 'box')
    await expect.poll(() => text).toMatch(/id: c\d+\ndata: \{"cursor".*"worker.updated".*\}\n\n/)
    gone.abort()
    await reading
    await expect.poll(() => served.node.readers()).toBe(0)
  })

  it('need to be asked for', async () => {
    expect((await served.request('GET', '/api/events')).status).toBe(400)
  })
})

describe('a log', () => {
  async function published(): Promise<string> {
    return ((await (await served.request('POST', '/api/tasks', { body: { argv: ['x'] } })).json()) as { id: string }).id
  }

  it('is given as raw bytes, also where they are not UTF-8, without what the node itself says', async () => {
    const id = await published()
    served.node.begin(id)
    served.node.write(id, 'system', 'cloning\n')
    served.node.write(id, 'stdout', 'out\n')
    served.node.write(id, 'stderr', '', Buffer.from([0xff, 0xfe]).toString('base64'))
    const response = await served.request('GET', `/api/tasks/${id}/log`)
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from([0x6f, 0x75, 0x74, 0x0a, 0xff, 0xfe]))
  })

  it('is given in pieces from a byte on', async () => {
    const id = await published()
    served.node.begin(id)
    served.node.write(id, 'stdout', 'one\n')
    served.node.write(id, 'stderr', 'two\n')
    const response = await served.request('GET', `/api/tasks/${id}/log?from=4`, { headers: { accept: 'application/x-ndjson' } })
    const lines = (await response.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines).toEqual([{ offset: 4, stream: 'stderr', time: expect.any(Number), text: 'two\n' }])
  })

  it('is followed live, and ends with the attempt', async () => {
    const id = await published()
    const response = await served.request('GET', `/api/tasks/${id}/log?follow=true`)
    served.node.begin(id)
    served.node.write(id, 'stdout', 'now\n')
    served.node.settle(id, { exitCode: 0 })
    expect(await response.text()).toBe('now\n')
  })

  it('stops being read when the client goes', async () => {
    const id = await published()
    served.node.begin(id)
    const gone = new AbortController()
    await fetch(`${served.origin}/api/tasks/${id}/log?follow=true`, { headers: bearer(), signal: gone.signal })
    await expect.poll(() => served.node.readers()).toBe(1)
    gone.abort()
    await expect.poll(() => served.node.readers()).toBe(0)
  })

  it('of an unknown task is 404, of a wrong byte 400', async () => {
    expect((await served.request('GET', '/api/tasks/nope/log')).status).toBe(404)
    const id = await published()
    for (const from of ['-1', 'x', '1.5']) expect((await served.request('GET', `/api/tasks/${id}/log?from=${from}`)).status).toBe(400)
  })
})
