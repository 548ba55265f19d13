import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { withRemote } from '../../../node/repos/system/remote-access.ts'

const ASKED = '/team/app.git/info/refs?service=git-receive-pack'
const closing: (() => void)[] = []
afterEach(() => closing.splice(0).forEach((close) => close()))

async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ url: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = []
  const server = createServer((request, response) => (asked.push(request), answer(request, response)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
const reach = (url: string, secret?: string) =>
  withRemote(
    {
      url: `${url}/team/app.git`,
      credential: secret === undefined ? undefined : { name: 'TOKEN', secret },
      knownHosts: '/dev/null',
      meshDataDir: '/nonexistent',
      signal: new AbortController().signal,
    },
    async (remote) => remote,
  )

describe('the way to a repository that is pushed to', () => {
  test('is open where nobody asks, and asks for pushing, since many let everybody read', async () => {
    const { url, asked } = await serve((_request, response) => response.writeHead(200).end())
    expect(await reach(url, 'secret')).toEqual({ url: `${url}/team/app.git`, access: { protocols: 'http:https' } })
    expect(asked.map((one) => one.url)).toEqual([ASKED])
    expect(asked[0]?.headers.authorization, 'nobody asked for it').toBeUndefined()
  })

  test('is refused by name where the server asks and nothing is set', async () => {
    const { url } = await serve((_request, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end())
    await expect(reach(url)).rejects.toMatchObject({ code: 'repo-push-needs-credentials', cure: expect.stringContaining('repo auth set') })
    const { access } = await reach(url, 'hush-4711')
    expect(access.configFd, 'git reads it from a file without a name').toBeGreaterThan(0)
    expect(JSON.stringify(access)).not.toContain('hush-4711')
  })

  test('follows a move, but shows what is kept for one server to no other', async () => {
    const other = await serve((_request, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="y"' }).end())
    const { url } = await serve((_request, response) => response.writeHead(302, { location: other.url + ASKED }).end())
    await expect(reach(url, 'hush-4711')).rejects.toMatchObject({ code: 'repo-push-needs-credentials' })
    const free = await serve((_request, response) => response.writeHead(200).end())
    const moved = await serve((_request, response) => response.writeHead(301, { location: free.url + ASKED }).end())
    expect((await reach(moved.url, 'hush-4711')).url).toBe(`${free.url}/team/app.git`)
    expect(free.asked[0]?.headers.authorization).toBeUndefined()
    const loop = await serve((request, response) => response.writeHead(302, { location: request.url }).end())
    await expect(reach(loop.url)).rejects.toMatchObject({ code: 'repo-not-reached' })
  })

  test('is named where nobody answers', async () => {
    const { url } = await serve((request) => request.socket.destroy())
    await expect(reach(url)).rejects.toMatchObject({ code: 'repo-not-reached', kind: 'unreachable' })
  })
})
