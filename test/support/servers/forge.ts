// A forge on loopback: hands git's requests on to a real git server, and answers below /api/v3 as the public documentation of GitHub's REST
// interface says (Pulls: create, list; version 2022-11-28), with the branches that the repository really has.
import { execFileSync } from 'node:child_process'
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { GitServer } from '../git-http.ts'

export type Forge = {
  url: string
  /** What was asked of the interface. */
  asked: { method: string; path: string; headers: IncomingMessage['headers']; body: Record<string, string> | undefined }[]
  close(): Promise<void>
}
type Pull = {
  id: number
  number: number
  html_url: string
  state: string
  title: string
  body: string
  head: object
  base: object
  user: object
}
const DOCUMENTATION = 'https://docs.github.com/rest/pulls/pulls#create-a-pull-request'

export async function startForge(git: GitServer, { token }: { token: string }): Promise<Forge> {
  const asked: Forge['asked'] = []
  const pulls: Pull[] = []
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/api/v3/') === true) void answer(request, response)
    else passOn(git.url, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const piece of request) text += String(piece)
    const body = text === '' ? undefined : (JSON.parse(text) as Record<string, string>)
    const { method = 'GET', headers } = request
    const at = new URL(request.url ?? '/', url)
    asked.push({ method, path: at.pathname + at.search, headers, body })
    const say = (status: number, value: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value))
    if (headers.authorization !== `Bearer ${token}`)
      return say(401, { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' })
    const [, owner = '', repo = ''] = /^\/api\/v3\/repos\/([^/]+)\/([^/]+)\/pulls$/.exec(at.pathname) ?? []
    if (owner === '') return say(404, { message: 'Not Found', documentation_url: DOCUMENTATION })
    const label = (one: Pull['head']): string => (one as { label: string }).label
    if (method === 'GET')
      return say(
        200,
        pulls.filter(
          ({ head, state }) => state === (at.searchParams.get('state') ?? 'open') && label(head) === at.searchParams.get('head'),
        ),
      )
    const { title = '', head = '', base = '', body: words = '' } = body ?? {}
    const invalid = (error: object): void => say(422, { message: 'Validation Failed', errors: [error], documentation_url: DOCUMENTATION })
    for (const [field, branch] of [
      ['head', head],
      ['base', base],
    ] as const)
      if (commitOf(join(git.dir, `${repo}.git`), branch) === undefined) return invalid({ resource: 'PullRequest', field, code: 'invalid' })
    const full = `${owner}:${head}`
    if (pulls.some((one) => label(one.head) === full))
      return invalid({ resource: 'PullRequest', code: 'custom', message: `A pull request already exists for ${full}.` })
    const number = 1347 + pulls.length
    const of = (branch: string): object => ({
      label: `${owner}:${branch}`,
      ref: branch,
      sha: commitOf(join(git.dir, `${repo}.git`), branch),
    })
    const user = { login: 'octocat', id: 1, type: 'User' }
    pulls.push({
      id: 1,
      number,
      html_url: `${url}/${owner}/${repo}/pull/${number}`,
      state: 'open',
      title,
      body: words,
      head: of(head),
      base: of(base),
      user,
    })
    say(201, pulls.at(-1))
  }
  return {
    url,
    asked,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function commitOf(bare: string, branch: string): string | undefined {
  try {
    return execFileSync('git', ['--git-dir', bare, 'rev-parse', '--verify', '-q', `refs/heads/${branch}`], { encoding: 'utf8' }).trim()
  } catch {
    return undefined // there is no such branch
  }
}

function passOn(to: string, request: IncomingMessage, response: ServerResponse): void {
  const onward = send(new URL(request.url ?? '/', to), { method: request.method, headers: request.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => response.destroy())
  request.pipe(onward)
}
