// Who may do what: every route of the document in every state of sign-in, and the ways to sign in.
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PEER } from './fake-node.ts'
import type { Served } from './serve.ts'
import { serveFake, TASK_TOKEN } from './serve.ts'

let served: Served
let routes: { method: string; path: string }[]
beforeAll(async () => {
  served = await serveFake()
  const document = (await (await served.request('GET', '/api/openapi.json')).json()) as { paths: Record<string, Record<string, unknown>> }
  routes = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((method) => ({ method: method.toUpperCase(), path })),
  )
})
afterAll(() => served.stop())

/** Signs a browser in the way a person does. */
async function signIn(): Promise<{ cookie: string; csrf: string }> {
  const response = await fetch(served.api.signInUrl(), { redirect: 'manual' })
  const cookie = response.headers.get('set-cookie')!.split(';')[0]!
  const session = (await (await fetch(`${served.origin}/api/session`, { headers: { cookie } })).json()) as { csrf: string }
  return { cookie, csrf: session.csrf }
}

const OPEN = new Set(['GET /api/health', 'GET /sign-in'])
/** What would end the stream or the server of this test. */
const STREAMS = new Set(['GET /api/events', 'GET /api/logs'])
const TASK_MAY = [
  'GET /api/tasks/{id}',
  'GET /api/tasks/{id}/log',
  'GET /api/tasks/{id}/log/lines',
  'GET /api/tasks/{id}/artifacts',
  'GET /api/tasks/{id}/wait',
  'GET /api/artifacts/{hash}',
  'GET /api/artifacts/{hash}/provenance',
  'GET /api/openapi.json',
  'POST /api/tasks',
  'GET /api/messages',
  'GET /api/messages/{id}',
  'GET /api/questions',
  'POST /api/questions',
  'GET /api/questions/{id}',
  'GET /api/questions/{id}/wait',
  'POST /api/questions/{id}/withdraw',
  'GET /api/me',
  'GET /mcp',
  'POST /mcp',
  'DELETE /mcp',
  'POST /api/messages',
  'POST /api/messages/read',
  'POST /api/tasks/{id}/progress',
  'POST /api/blobs',
]

async function ask(route: { method: string; path: string }, headers: Record<string, string>): Promise<number> {
  const path = route.path
    .replace('{id}', route.path.includes('/workers') ? PEER : route.path.startsWith('/api/tasks') ? 'a-task' : 'none')
    .replace('{hash}', '0'.repeat(64))
  const response = await fetch(served.origin + path, {
    method: route.method,
    redirect: 'manual',
    headers: {
      ...headers,
      ...(route.method === 'GET' ? {} : { 'content-type': route.path === '/api/blobs' ? 'application/octet-stream' : 'application/json' }),
    },
    ...(route.method === 'GET' ? {} : { body: '{}' }),
  })
  await response.body?.cancel()
  return response.status
}

describe('every route of the document', () => {
  it('is a route of the app, and the other way round', () => {
    const registered = new Set(
      served.api.app.routes
        .filter((route) => route.method !== 'ALL' && !route.path.includes('*') && route.path !== '/skyeyes.js')
        .map((route) => `${route.method} ${route.path.replaceAll(/:(\w+)/g, '{$1}')}`),
    )
    expect(routes.map((route) => `${route.method} ${route.path}`).toSorted()).toEqual([...registered].toSorted())
  })

  it.each([
    ['nothing', {}],
    ['a wrong token', { authorization: 'Bearer nimt-wrong' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['the token as a password', { authorization: 'Basic bmltYnVzOng=' }],
    ['a made-up cookie', { cookie: 'nimbus-1=x' }],
  ])('answers 401 to %s unless it is open to all', async (_name, headers) => {
    for (const route of routes) {
      const name = `${route.method} ${route.path}`
      expect([name, await ask(route, headers as Record<string, string>)]).toEqual([name, name === 'GET /api/health' ? 200 : 401])
    }
  })

  it('answers the operator', async () => {
    for (const route of routes.filter((item) => !OPEN.has(`${item.method} ${item.path}`))) {
      const status = await ask(route, { authorization: `Bearer ${served.token}` })
      expect([`${route.method} ${route.path}`, status]).toEqual([
        `${route.method} ${route.path}`,
        expect.not.toSatisfy((value: number) => value === 401 || value === 403 || value >= 500),
      ])
    }
  })

  it('answers a task by its own token only where it looks or publishes', async () => {
    for (const route of routes.filter((item) => !OPEN.has(`${item.method} ${item.path}`))) {
      const name = `${route.method} ${route.path}`
      const status = await ask(route, { authorization: `Bearer ${TASK_TOKEN}` })
      expect([name, status === 403]).toEqual([name, !TASK_MAY.includes(name)])
    }
  })

  it('answers a signed-in browser that looks', async () => {
    const { cookie } = await signIn()
    for (const route of routes.filter(
      (item) => item.method === 'GET' && !OPEN.has(`GET ${item.path}`) && !STREAMS.has(`GET ${item.path}`),
    )) {
      const status = await ask(route, { cookie })
      expect([route.path, status]).toEqual([route.path, expect.not.toSatisfy((value: number) => value === 401 || value === 403)])
    }
  })

  it('answers a signed-in browser that changes something only with its CSRF value', async () => {
    for (const route of routes.filter((item) => item.method !== 'GET')) {
      const name = `${route.method} ${route.path}`
      const { cookie, csrf } = await signIn()
      expect([name, await ask(route, { cookie })]).toEqual([name, 403])
      expect([name, await ask(route, { cookie, 'x-nimbus-csrf': 'wrong' })]).toEqual([name, 403])
      const forTokensOnly = name === 'POST /api/session/link' || name === 'POST /api/tokens'
      expect([name, (await ask(route, { cookie, 'x-nimbus-csrf': csrf })) === 403]).toEqual([name, forTokensOnly])
    }
  })
})

describe('without a token', () => {
  it('only the page, its assets and the liveness answer', async () => {
    const status = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(served.origin + path, { headers, redirect: 'manual' })).status
    expect(await status('/')).toBe(200)
    expect(await status('/assets/main-abcd1234.js')).toBe(200)
    expect(await status('/api/health')).toBe(200)
    expect(await status('/skyeyes.js')).toBe(404)
    for (const path of ['/metrics', '/docs', '/api/openapi.json', '/api/nothing', '/nothing', '/assets/none.js', '/token', '/..%2ftoken'])
      expect([path, await status(path)]).toEqual([path, 401])
  })

  it('a page of the dashboard shows the sign-in, under 401', async () => {
    const response = await fetch(`${served.origin}/tasks/x`, { headers: { accept: 'text/html' } })
    expect(response.status).toBe(401)
    expect(await response.text()).toContain('<title>Nimbus</title>')
  })
})

describe('signing in', () => {
  it('works once with a link and never twice', async () => {
    const url = served.api.signInUrl()
    const first = await fetch(url, { redirect: 'manual' })
    expect(first.status).toBe(303)
    expect(first.headers.get('location')).toBe('/')
    expect(first.headers.get('set-cookie')).toMatch(
      new RegExp(`^nimbus-${served.port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200$`),
    )
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(401)
  })

  it('leads to a page of this dashboard and nowhere else', async () => {
    for (const [next, location] of [
      ['/tasks/abc', '/tasks/abc'],
      ['//evil.test', '/'],
      ['/\\evil.test', '/'],
      ['https://evil.test', '/'],
    ] as const) {
      const response = await fetch(`${served.api.signInUrl()}&next=${encodeURIComponent(next)}`, { redirect: 'manual' })
      expect(response.headers.get('location')).toBe(location)
    }
  })

  it('is over after signing out', async () => {
    const { cookie, csrf } = await signIn()
    expect((await fetch(`${served.origin}/api/session`, { method: 'DELETE', headers: { cookie, 'x-nimbus-csrf': csrf } })).status).toBe(204)
    expect((await fetch(`${served.origin}/api/mesh`, { headers: { cookie } })).status).toBe(401)
  })

  it('says who is signed in', async () => {
    const { cookie } = await signIn()
    expect(await (await fetch(`${served.origin}/api/session`, { headers: { cookie } })).json()).toEqual({
      signedIn: true,
      csrf: expect.stringMatching(/^[\w-]{43}$/),
      auth: 'token',
    })
  })

  it('links are made by the token alone', async () => {
    const made = (await (await served.request('POST', '/api/session/link', { body: { next: '/tasks/x' } })).json()) as { url: string }
    expect(new URL(made.url).searchParams.get('next')).toBe('/tasks/x')
  })

  it('that fails often is slowed down, while the right token still works', async () => {
    const statuses = await Promise.all(
      Array.from(
        { length: 300 },
        async () => (await fetch(`${served.origin}/api/mesh`, { headers: { authorization: 'Bearer nimt-guess' } })).status,
      ),
    )
    expect(statuses).toContain(429)
    expect((await served.request('GET', '/api/mesh')).status).toBe(200)
  })
})

describe('the token file', () => {
  it('is readable by its owner alone', async () => {
    expect((await stat(join(served.dataDir, 'token'))).mode & 0o777).toBe(0o600)
  })
})

describe('with --auth none', () => {
  it('no token is asked, and the guard stays', async () => {
    const open = await serveFake({ auth: 'none' })
    try {
      const status = async (headers: Record<string, string>) => (await fetch(`${open.origin}/api/mesh`, { headers })).status
      expect(await status({})).toBe(200)
      expect(await status({ origin: 'http://evil.test' })).toBe(403)
      expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(403)
      const form = await fetch(`${open.origin}/api/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: '{"argv":["true"]}',
      })
      expect(form.status).toBe(415)
      expect(await (await fetch(`${open.origin}/api/session`)).json()).toMatchObject({ signedIn: true, auth: 'none' })
      expect(open.api.signInUrl()).toBe(`${open.origin}/`)
    } finally {
      await open.stop()
    }
  })
})
