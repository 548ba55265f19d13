// The server's own life: ports, stopping, files of the dashboard, documents.
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApiServer } from '../../../node/api/server.ts'
import { operatorToken } from '../../../node/api/access/token-file.ts'
import { createSystemClock } from '../../../node/kernel/clock.ts'
import { silentLog } from '../../../node/kernel/log.ts'
import { createSystemRandom } from '../../../node/kernel/random.ts'
import { createFakeNode } from './fake-node.ts'
import type { Served } from './serve.ts'
import { serveFake } from './serve.ts'

let served: Served
beforeAll(async () => {
  served = await serveFake()
})
afterAll(() => served.stop())

function another(host: string, port: number) {
  const components = { node: createFakeNode(), clock: createSystemClock(), random: createSystemRandom(), log: silentLog, token: 'nimt-x' }
  return createApiServer(components, { host, port, auth: 'token', webDir: '/none', logFile: '/none', version: '0' })
}

describe('listening', () => {
  it('on a port that is in use names the port and the cure', async () => {
    await expect(another('127.0.0.1', served.port).start()).rejects.toMatchObject({
      code: 'port-in-use',
      message: `Port ${served.port} on 127.0.0.1 is in use by another program.`,
      cure: expect.stringContaining('--http 127.0.0.1:0'),
    })
  })

  it('on an address of another machine says so', async () => {
    await expect(another('192.0.2.1', 0).start()).rejects.toMatchObject({ code: 'cannot-listen', kind: 'usage' })
  })

  it('stops at once, also with a stream open', async () => {
    const server = another('127.0.0.1', 0)
    const { origin } = await server.start()
    const response = await fetch(`${origin}/api/events`, { headers: { authorization: 'Bearer nimt-x', accept: 'text/event-stream' } })
    await server.stop()
    await expect(response.text()).rejects.toThrow('terminated')
  })

  it('works without a built dashboard, and says how to build it', async () => {
    const server = another('127.0.0.1', 0)
    const { origin } = await server.start()
    expect(await (await fetch(origin)).text()).toContain('npm run prepare')
    await server.stop()
  })
})

describe('the files of the dashboard', () => {
  it('with a hash in the name are kept for good, the page is asked for again', async () => {
    const asset = await fetch(`${served.origin}/assets/main-abcd1234.js`)
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(asset.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    const page = await fetch(served.origin)
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const again = await fetch(served.origin, { headers: { 'if-none-match': page.headers.get('etag')! } })
    expect(again.status).toBe(304)
  })

  it('are those of the build and no others', async () => {
    for (const path of ['/../token', '/%2e%2e/token', '/assets/..%2f..%2ftoken', '/assets/', '/nimbus.log']) {
      const response = await served.request('GET', path)
      expect([path, response.status]).toEqual([path, 404])
    }
  })

  it('paths of the dashboard itself lead to its page', async () => {
    const response = await served.request('GET', '/tasks/01abc', { headers: { accept: 'text/html' } })
    expect(response.status).toBe(200)
    expect(await response.text()).toContain('<title>Nimbus</title>')
  })
})

describe('the documents', () => {
  it('describe every answer of every route in OpenAPI 3.1, with named shapes', async () => {
    const document = (await (await served.request('GET', '/api/openapi.json')).json()) as {
      openapi: string
      paths: Record<string, Record<string, { operationId: string; summary: string; responses: object }>>
      components: { schemas: Record<string, unknown> }
    }
    expect(document.openapi).toBe('3.1.0')
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item))
    expect(new Set(operations.map((operation) => operation.operationId)).size).toBe(operations.length)
    for (const operation of operations)
      expect(operation).toMatchObject({ summary: expect.any(String), responses: { default: expect.anything() } })
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1])
    for (const name of references) expect(Object.keys(document.components.schemas)).toContain(name)
  })

  it('are shown on a page without a script', async () => {
    const html = await (await served.request('GET', '/docs')).text()
    expect(html).toContain('/api/tasks/{id}/log')
    expect(html).not.toMatch(/<script|\sstyle=|\son\w+=/)
    expect(html).not.toMatch(/https?:\/\//)
  })

  it('give numbers for Prometheus', async () => {
    const response = await served.request('GET', '/metrics')
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4')
    expect(await response.text()).toContain('nimbus_up 1')
  })
})

describe('the token file', () => {
  it('that others may read is refused, with the cure', async () => {
    const other = await serveFake()
    const file = join(other.dataDir, 'token')
    await chmod(file, 0o644)
    await expect(operatorToken(other.dataDir, createSystemRandom())).rejects.toMatchObject({
      code: 'token-exposed',
      cure: expect.stringContaining('rm '),
    })
    await chmod(file, 0o600)
    expect(await operatorToken(other.dataDir, createSystemRandom())).toBe(other.token)
    await writeFile(file, 'half')
    await expect(operatorToken(other.dataDir, createSystemRandom())).rejects.toMatchObject({ code: 'token-damaged' })
    await other.stop()
  })
})
