// Pull requests through the REST interface of GitHub, as its public documentation has it (version 2022-11-28): also of a GitHub of one's own.
import * as z from 'zod'
import { messageOf, NimbusError } from '../../kernel/errors.ts'
import { parseRepoUrl } from '../repo-url.ts'

const VERSION = '2022-11-28'
const ANSWER_BYTES_MAX = 4 * 1024 * 1024
const WORDS_MAX = 300

export type PullRequestOrder = {
  /** The repository's address. */
  url: string
  token: string
  /** The branch that is offered, and the one it is for. */
  head: string
  base: string
  title: string
  body: string
  signal: AbortSignal
}
/** `existed`: it was open before, and shows the branch as it is now. */
export type PullRequest = { number: number; address: string; existed: boolean }

const pull = z.object({ number: z.int(), html_url: z.url({ protocol: /^https?$/ }).max(2_048) })
const problem = z.object({
  message: z.string(),
  errors: z.array(z.object({ message: z.string().optional(), code: z.string().optional(), field: z.string().optional() })).optional(),
})

/** @throws NimbusError `forge-unknown`, `forge-unreachable`, `forge-refused`, `forge-answer` */
export async function openPullRequest(order: PullRequestOrder): Promise<PullRequest> {
  const { api, owner, repo } = placeOf(order.url)
  const { head, base, title, body } = order
  const path = `${api}/repos/${owner}/${repo}/pulls`
  const made = await ask(order, 'POST', path, { title, head, base, body })
  if (made.status === 201) return pullOf(made.value)
  const text = problemText(made.value)
  if (made.status !== 422 || !/already exists/i.test(text)) throw refused(made.status, text, new URL(api).host)
  const query = new URLSearchParams({ state: 'open', head: `${decodeURIComponent(owner)}:${head}`, base })
  const found = await ask(order, 'GET', `${path}?${query.toString()}`)
  if (found.status !== 200) throw refused(found.status, problemText(found.value), new URL(api).host)
  const open = Array.isArray(found.value) ? (found.value as unknown[])[0] : undefined
  if (open === undefined) throw refused(made.status, text, new URL(api).host)
  return { ...pullOf(open), existed: true }
}

/** Where the interface of a repository's server is: beside github.com, or below a server of one's own. */
function placeOf(address: string): { api: string; owner: string; repo: string } {
  const url = parseRepoUrl(address)
  const [, owner, repo] = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/?$/.exec(url.pathname) ?? []
  if (owner === undefined || repo === undefined || !/^https?:$/.test(url.protocol))
    throw new NimbusError('forge-unknown', `${url.host} is no server where a pull request could be opened for that address.`, {
      kind: 'refused',
      cure: 'Pull requests need an address like https://github.com/OWNER/REPOSITORY; nimbus session merge pushes to any.',
    })
  return { api: url.host === 'github.com' ? 'https://api.github.com' : `${url.origin}/api/v3`, owner, repo }
}

async function ask(
  { token, signal }: PullRequestOrder,
  method: string,
  address: string,
  body?: object,
): Promise<{ status: number; value: unknown }> {
  try {
    const response = await fetch(address, {
      method,
      redirect: 'error', // the token is for this server
      signal,
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer ${token}`,
        'user-agent': 'nimbus',
        'x-github-api-version': VERSION,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, value: await jsonOf(response) }
  } catch (error) {
    if (error instanceof NimbusError) throw error
    throw new NimbusError('forge-unreachable', `${new URL(address).host} did not answer: ${messageOf(error)}`, {
      kind: 'unreachable',
      cause: error,
      cure: 'The branch is pushed; open the pull request there, or try again.',
    })
  }
}

async function jsonOf(response: Response): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of response.body ?? []) {
    size += piece.length
    if (size > ANSWER_BYTES_MAX) throw strange(response.status, `more than ${ANSWER_BYTES_MAX} bytes`)
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as unknown
  } catch {
    throw strange(response.status, 'something that is not JSON')
  }
}

function pullOf(value: unknown): PullRequest {
  const parsed = pull.safeParse(value).data
  if (parsed === undefined) throw strange(200, 'no number and address of a pull request')
  return { number: parsed.number, address: parsed.html_url, existed: false }
}

function problemText(value: unknown): string {
  const parsed = problem.safeParse(value).data
  if (parsed === undefined) return 'it gave no reason'
  const more = (parsed.errors ?? []).map(({ message, field, code }) => message ?? `${field ?? ''} ${code ?? ''}`.trim())
  return [parsed.message, ...more].join('; ').slice(0, WORDS_MAX)
}

function refused(status: number, text: string, host: string): NimbusError {
  const cure =
    status === 401 || status === 403 || status === 404
      ? 'The token must be good for this repository, and may write its pull requests: nimbus repo auth ls, nimbus secret set NAME'
      : 'Look at the branch there; it is pushed.'
  return new NimbusError('forge-refused', `${host} opened no pull request (${status}): ${text}`, { kind: 'refused', cure })
}

function strange(status: number, what: string): NimbusError {
  return new NimbusError('forge-answer', `The server answered ${status} with ${what}.`, {
    cure: 'The branch is pushed; open the pull request there.',
  })
}
