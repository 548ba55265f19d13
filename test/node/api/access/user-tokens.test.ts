// What a token of the mesh opens, route by route: refused where no verb of it says yes, over at once when it is revoked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CallerView } from '../../../../protocols/agents/capability.ts'
import type { TokenRequest } from '../../../../protocols/access/token-views.ts'
import type { Served } from '../serve.ts'
import { serveFake, TASK_TOKEN } from '../serve.ts'
import { until } from '../../../support/until.ts'

let served: Served
let routes: string[]
beforeAll(async () => {
  served = await serveFake()
  const document = (await (await served.request('GET', '/api/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> }
  routes = Object.entries(document.paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`))
})
afterAll(() => served.stop())

const make = async (request: Partial<TokenRequest>): Promise<{ token: string; id: string }> =>
  (await (await served.request('POST', '/api/tokens', { body: { name: 'ci', ...request } })).json()) as { token: string; id: string }
const ask = (token: string, method: string, path: string, body?: unknown): Promise<Response> =>
  served.request(method, path, { headers: { authorization: `Bearer ${token}` }, ...(body === undefined ? {} : { body }) })
const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code
/** Routes that it is refused nowhere for want of rights. */
const opened = async (token: string): Promise<string[]> => {
  const open: string[] = []
  for (const route of routes) {
    const [method = '', path = ''] = route.split(' ')
    if (['/api/health', '/sign-in', '/api/events', '/api/logs'].includes(path)) continue
    const gone = new AbortController()
    const response = await fetch(served.origin + path.replace('{hash}', '0'.repeat(64)).replaceAll(/\{\w+\}/g, 'x'), {
      method,
      signal: gone.signal,
      headers: {
        authorization: `Bearer ${token}`,
        ...(method === 'GET' ? {} : { 'content-type': path === '/api/blobs' ? 'application/octet-stream' : 'application/json' }),
      },
      ...(method === 'GET' ? {} : { body: '{}' }),
    })
    if (response.status !== 403) open.push(route)
    gone.abort()
  }
  return open
}

const OWN = ['DELETE /mcp', 'GET /api/me', 'GET /api/openapi.json', 'GET /mcp', 'POST /mcp']
const VIEWER = [
  ...OWN,
  'GET /api/artifacts/{hash}',
  'GET /api/artifacts/{hash}/provenance',
  'GET /api/builds',
  'GET /api/builds/{id}',
  'GET /api/counters',
  'GET /api/counters/{name}',
  'GET /api/git/{worker}/{repo}/{service}',
  'GET /api/groups',
  'GET /api/groups/{name}',
  'GET /api/hosted-repos',
  'GET /api/hosted-repos/{name}',
  'GET /api/knowledge',
  'GET /api/knowledge/{id}',
  'GET /api/locks',
  'GET /api/mesh',
  'GET /api/pools',
  'GET /api/repos',
  'GET /api/schedules',
  'GET /api/schedules/{name}',
  'GET /api/services',
  'GET /api/services/{name}',
  'GET /api/sessions',
  'GET /api/sessions/{id}',
  'GET /api/tasks',
  'GET /api/tasks/{id}',
  'GET /api/tasks/{id}/artifacts',
  'GET /api/tasks/{id}/log',
  'GET /api/tasks/{id}/log/lines',
  'GET /api/tasks/{id}/wait',
  'GET /api/upgrade',
  'GET /api/workers',
  'GET /api/workers/{id}',
  'GET /metrics',
]

describe('a token of the mesh', () => {
  it('of a viewer looks and changes nothing; what stands in no line is the operator’s', async () => {
    const { token } = await make({})
    const open = (await opened(token)).filter((route) => !route.startsWith('GET /api/git/'))
    expect(open.toSorted()).toEqual(VIEWER.filter((route) => !route.startsWith('GET /api/git/')).toSorted())
    expect((await (await ask(token, 'GET', '/api/me')).json()) as CallerView).toMatchObject({ kind: 'user', name: 'ci' })
    const refused = await ask(token, 'POST', '/api/tasks', { argv: ['true'] })
    expect([refused.status, await codeOf(refused)]).toEqual([403, 'token-scope'])
  })

  it('of an operator does what the operator does, but makes neither tokens nor sign-in links', async () => {
    const { token } = await make({ role: 'operator' })
    expect(routes.filter((route) => !['/api/health', '/sign-in', '/api/events', '/api/logs'].includes(route.split(' ')[1] ?? ''))).toEqual(
      expect.arrayContaining(await opened(token)),
    )
    expect((await ask(token, 'GET', '/api/secrets')).status).toBe(200)
    for (const [path, body] of [
      ['/api/tokens', { name: 'next' }],
      ['/api/session/link', {}],
    ] as const) {
      const response = await ask(token, 'POST', path, body)
      expect([path, response.status, await codeOf(response)]).toEqual([path, 403, 'token-needed'])
    }
  })

  it('publishes tasks that may no more than it, without secrets and terminals', async () => {
    const { token } = await make({ may: ['task.publish', 'task.read'] })
    const code = async (body: object): Promise<string> => codeOf(await ask(token, 'POST', '/api/tasks', { argv: ['true'], ...body }))
    expect(await code({ secrets: ['KEY'] })).toBe('token-scope')
    expect(await code({ kind: 'terminal', worker: `12D3Koo${'a'.repeat(45)}` })).toBe('token-scope')
    expect(await code({ may: ['message.send'] })).toBe('verb-not-held')
    const repaired = { kind: 'build', argv: [], repo: 'https://example.test/r', build: { repair: { budgetUsd: 1 } } }
    expect(await code(repaired)).toBe('token-scope')
    expect(await codeOf(await ask(TASK_TOKEN, 'POST', '/api/tasks', repaired))).toBe('token-scope')
    const { id } = (await (await ask(token, 'POST', '/api/tasks', { argv: ['true'] })).json()) as { id: string }
    const task = (await (await ask(token, 'GET', `/api/tasks/${id}`)).json()) as { spec: { may: string[] } }
    expect(task.spec.may).toEqual(['task.read', 'task.publish', 'progress.report'])
  })

  it('hears only of what it may read', async () => {
    const { token } = await make({})
    const status = async (query: string): Promise<number> => {
      const response = await served.request('GET', `/api/events${query}`, {
        headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      })
      await response.body?.cancel()
      return response.status
    }
    expect([await status(''), await status('?entity=message'), await status('?entity=constructor'), await status('?entity=task')]).toEqual([
      403, 403, 403, 200,
    ])
  })

  it('is refused with its reason when it is revoked, and what is open with it ends', async () => {
    const { token, id } = await make({ role: 'developer' })
    const stream = await served.request('GET', '/api/events', {
      headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    })
    let over = false
    const reading = (async () => {
      for await (const _piece of stream.body ?? []) void _piece
    })()
    reading
      .catch(() => {}) // it is cut off
      .finally(() => (over = true))
    expect((await served.request('DELETE', `/api/tokens/${id}`)).status).toBe(200)
    await until(() => over, { what: 'the end of the stream', timeoutMs: 20_000 })
    const response = await ask(token, 'GET', '/api/mesh')
    expect([response.status, await codeOf(response)]).toEqual([401, 'token-revoked'])
    const listed = await (await served.request('GET', '/api/tokens')).text()
    expect(listed).toContain(id)
    expect(listed).not.toContain(token.slice(-43))
  })
})
