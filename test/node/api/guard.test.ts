// What a hostile page or a hostile name server may try: the guard, on the real server and a real socket.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { rawRequest } from './raw-request.ts'
import type { Served } from './serve.ts'
import { serveFake } from './serve.ts'

let served: Served
beforeAll(async () => {
  served = await serveFake()
})
afterAll(() => served.stop())

const raw = (text: string) => rawRequest(served.port, text)
const get = (headers: string, path = '/api/mesh') => raw(`GET ${path} HTTP/1.1\r\n${headers}\r\n`)
const host = () => `Host: 127.0.0.1:${served.port}\r\n`
const bearer = () => `Authorization: Bearer ${served.token}\r\n`

describe('the guard', () => {
  it.each([
    ['a name that points here (DNS rebinding)', 'evil.test', 421],
    ['our name with a trailing dot', 'localhost.', 421],
    ['another port', '127.0.0.1:1', 421],
    ['no port', '127.0.0.1', 421],
  ])('refuses the Host of %s', async (_name, value, status) => {
    const shown = value.includes(':') || value === '127.0.0.1' ? value : `${value}:${served.port}`
    expect((await get(`Host: ${shown}\r\nOrigin: http://${shown}\r\n${bearer()}`)).status).toBe(status)
  })

  it('answers under localhost, 127.0.0.1 and ::1', async () => {
    for (const name of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST'])
      expect((await get(`Host: ${name}:${served.port}\r\n${bearer()}`)).status).toBe(200)
  })

  it('refuses two Host headers and none', async () => {
    expect((await get(`${host()}${host()}${bearer()}`)).status).toBe(400)
    expect((await get(`${host()}Host: evil.test\r\n${bearer()}`)).status).toBe(400)
    expect((await get(bearer())).status).toBe(400)
  })

  it.each(['http://evil.test', 'null', 'http://127.0.0.1:1', 'https://localhost', ''])(
    'refuses the Origin %j, also with the right token',
    async (origin) => {
      expect((await get(`${host()}Origin: ${origin}\r\n${bearer()}`)).status).toBe(403)
      const body = '{"argv":["true"]}'
      expect(
        (
          await raw(
            `POST /api/tasks HTTP/1.1\r\n${host()}Origin: ${origin}\r\n${bearer()}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
          )
        ).status,
      ).toBe(403)
    },
  )

  it.each([
    ['cross-site', 403],
    ['same-site', 403],
    ['same-origin', 200],
    ['none', 200],
  ])('answers Sec-Fetch-Site: %s with %i', async (site, status) => {
    expect((await get(`${host()}Sec-Fetch-Site: ${site}\r\n${bearer()}`)).status).toBe(status)
  })

  it('lets the page of another node in with its pass, once, and only as a whole page', async () => {
    const arrival = (path: string, mode = 'navigate', dest = 'document') =>
      get(`${host()}Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: ${mode}\r\nSec-Fetch-Dest: ${dest}\r\n`, path)
    const { code } = served.api.pass()
    for (const [mode, dest] of [
      ['no-cors', 'image'],
      ['navigate', 'iframe'],
      ['cors', 'empty'],
    ])
      expect((await arrival(`/sign-in?pass=${code}`, mode, dest)).status).toBe(403)
    for (const path of ['/', '/sign-in', `/sign-in?code=${code}`, `/tasks?pass=${code}`]) expect((await arrival(path)).status).toBe(403)
    const page = await arrival(`/sign-in?pass=${code}&next=%2Ftasks&since=c`)
    expect(page.status).toBe(200)
    const cookie = /set-cookie: ([^;]+); HttpOnly; SameSite=Strict/i.exec(page.text)?.[1]
    expect((await get(`${host()}Cookie: ${cookie}\r\n`)).status).toBe(200)
    expect((await arrival(`/sign-in?pass=${code}`)).text).not.toMatch(/set-cookie/i)
  })

  it('comes before everything, also before what needs no token', async () => {
    for (const path of ['/', '/api/health', '/sign-in?code=x', '/skyeyes.js', '/nothing'])
      expect((await get('Host: evil.test\r\n', path)).status).toBe(421)
  })
})
