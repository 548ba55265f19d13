// Talks to a node over HTTP like any other client. Finds it by --url, NIMBUS_URL or the data folder, in this order.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problem } from '../../protocols/http/views.ts'
import { createHoldingClock } from '../kernel/clock.ts'
import type { ErrorKind } from '../kernel/errors.ts'
import { NimbusError } from '../kernel/errors.ts'
import type { Cli } from './context.ts'
import { linesOf } from './lines.ts'

export type Client = {
  readonly url: string
  get<Answer>(path: string): Promise<Answer>
  post<Answer>(path: string, body?: unknown): Promise<Answer>
  /** Any request that is answered with JSON, or with text where that is accepted; without a limit of time where a signal is given. */
  call(method: string, path: string, options: { body?: unknown; signal?: AbortSignal; accept?: string }): Promise<unknown>
  /** A request that is answered when something has happened, however long that takes. */
  hold(path: string, signal: AbortSignal): Promise<void>
  /** Sends bytes as they come. */
  upload<Answer>(path: string, source: AsyncIterable<Uint8Array>): Promise<Answer>
  /** The bytes of a long answer, from this byte on. */
  bytes(path: string, signal: AbortSignal, from?: number): AsyncGenerator<Uint8Array>
  delete(path: string): Promise<void>
  /** JSON lines of a long answer. */
  jsonLines<Item>(path: string, signal: AbortSignal): AsyncGenerator<Item>
  /** The same as the answer to a request with a body. */
  postLines<Item>(path: string, body: unknown, signal: AbortSignal): AsyncGenerator<Item>
  /** Server-sent events; the first item is undefined and says that the stream is open. */
  events<Item>(path: string, signal: AbortSignal): AsyncGenerator<Item | undefined>
  /** Where a WebSocket is opened, and what it has to show. */
  socketTo(path: string): { url: string; headers: Record<string, string> }
}

export type NodeFile = { http: string; pid: number }

const ANSWER_MS_MAX = 60_000
const KIND_OF_STATUS: Record<number, ErrorKind> = {
  400: 'usage',
  401: 'refused',
  403: 'refused',
  404: 'missing',
  409: 'refused',
  413: 'usage',
  415: 'usage',
  421: 'refused',
  429: 'busy',
  502: 'unreachable',
  503: 'busy',
  504: 'unreachable',
}

/** Where the node is, and the token for it; `named` is the address that was given, if one was. */
export async function findNode(
  cli: Pick<Cli, 'dataDir' | 'globals' | 'io'>,
): Promise<{ url: string; token: string | undefined; named: string | undefined }> {
  const named = cli.globals.url ?? cli.io.env['NIMBUS_URL']
  const local = await readNodeFile(cli.dataDir)
  const url = originOf(named ?? local?.http ?? noNode(cli.dataDir))
  const token =
    cli.globals.token ??
    cli.io.env['NIMBUS_TOKEN'] ??
    (url === local?.http || named === undefined ? await readToken(cli.dataDir) : undefined)
  return { url, token, named }
}

export async function createClient(cli: Pick<Cli, 'dataDir' | 'globals' | 'io'>): Promise<Client> {
  const clock = createHoldingClock()
  const { url, token, named } = await findNode(cli)
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const where = named === undefined ? { url, dataDir: cli.dataDir } : { url }

  async function request(
    method: string,
    path: string,
    init: { body?: unknown; source?: AsyncIterable<Uint8Array>; accept?: string; signal?: AbortSignal; from?: number } = {},
  ): Promise<Response> {
    const { body, type } = bodyOf(init)
    let failure: { error: unknown } | undefined
    const source =
      init.source === undefined ? {} : { body: watched(init.source, (error) => (failure = { error })), duplex: 'half' as const }
    const overdue = new AbortController()
    const cancel = init.signal === undefined && init.source === undefined ? clock.after(ANSWER_MS_MAX, () => overdue.abort()) : () => {}
    let response: Response
    try {
      response = await fetch(url + path, {
        method,
        redirect: 'error',
        headers: {
          ...headers,
          ...type,
          accept: init.accept ?? 'application/json',
          ...(init.from === undefined || init.from === 0 ? {} : { range: `bytes=${init.from}-` }),
        },
        signal: init.signal ?? overdue.signal,
        ...body,
        ...source,
      })
    } catch (error) {
      if (failure !== undefined) throw failure.error // what was to be sent could not be read
      throw init.signal?.aborted === true ? error : unreachable(where, error)
    } finally {
      cancel()
    }
    if (!response.ok) throw await errorOf(response)
    return response
  }

  return {
    url,
    socketTo: (path) => ({ url: url.replace(/^http/, 'ws') + path, headers }),
    get: async (path) => (await request('GET', path)).json() as never,
    post: async (path, body) => {
      const response = await request('POST', path, { body })
      return (response.headers.get('content-type')?.includes('json') === true ? await response.json() : undefined) as never
    },
    async call(method, path, options) {
      const response = await request(method, path, options)
      const isJson = response.headers.get('content-type')?.includes('json') === true
      return isJson ? response.json() : response.text()
    },
    delete: async (path) => void (await request('DELETE', path)),
    hold: async (path, signal) => void (await (await request('GET', path, { signal })).text()),
    upload: async (path, source) => (await request('POST', path, { source })).json() as never,
    async *bytes(path, signal, from = 0) {
      const response = await request('GET', path, { accept: 'application/octet-stream', signal, from })
      // Whoever does not know ranges sends all of it.
      let skip = response.status === 206 ? 0 : from
      for await (const piece of response.body ?? []) {
        const bytes = piece as Uint8Array
        if (skip < bytes.length) yield bytes.subarray(skip)
        skip = Math.max(0, skip - bytes.length)
      }
    },
    async *jsonLines(path, signal) {
      const response = await request('GET', path, { accept: 'application/x-ndjson', signal })
      for await (const line of linesOf(response.body)) if (line !== '') yield JSON.parse(line)
    },
    async *postLines(path, body, signal) {
      const response = await request('POST', path, { body, accept: 'application/x-ndjson', signal })
      for await (const line of linesOf(response.body)) if (line !== '') yield JSON.parse(line)
    },
    async *events(path, signal) {
      const response = await request('GET', path, { accept: 'text/event-stream', signal })
      yield undefined
      for await (const line of linesOf(response.body)) if (line.startsWith('data: ')) yield JSON.parse(line.slice(6))
    },
  }
}

function bodyOf(init: { body?: unknown; source?: unknown }): { body: { body?: string }; type: Record<string, string> } {
  if (init.source !== undefined) return { body: {}, type: { 'content-type': 'application/octet-stream' } }
  if (init.body === undefined) return { body: {}, type: {} }
  return { body: { body: JSON.stringify(init.body) }, type: { 'content-type': 'application/json' } }
}

/** fetch tells of a failed source in its own words only: the reason is kept here. */
async function* watched(source: AsyncIterable<Uint8Array>, onError: (error: unknown) => void): AsyncGenerator<Uint8Array> {
  try {
    yield* source
  } catch (error) {
    onError(error)
    throw error
  }
}

/** What a running node left in its data folder. */
export async function readNodeFile(dataDir: string): Promise<NodeFile | undefined> {
  try {
    const value = JSON.parse(await readFile(join(dataDir, 'node.json'), 'utf8')) as NodeFile
    return typeof value.http === 'string' && Number.isInteger(value.pid) ? value : undefined
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR' || error instanceof SyntaxError) return undefined
    throw noPermission(join(dataDir, 'node.json'), error)
  }
}

async function readToken(dataDir: string): Promise<string | undefined> {
  try {
    return (await readFile(join(dataDir, 'token'), 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw noPermission(join(dataDir, 'token'), error)
  }
}

function noPermission(file: string, cause: unknown): NimbusError {
  return new NimbusError('no-permission', `${file} cannot be read: ${(cause as Error).message}.`, {
    kind: 'refused',
    cure: 'Run this as the user whose node it is, or name another folder with --data DIR.',
    cause,
  })
}

function originOf(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
    throw new NimbusError('usage', `${JSON.stringify(url)} is not the address of a node.`, {
      kind: 'usage',
      cure: 'Write it as http://127.0.0.1:7777.',
    })
  return parsed.origin
}

function noNode(dataDir: string): never {
  throw new NimbusError('no-node', `No node is running with the data folder ${dataDir}.`, {
    kind: 'unreachable',
    cure: 'Start one with `nimbus up`, or name another with --data DIR or --url URL.',
  })
}

function unreachable(where: { url: string; dataDir?: string }, cause: unknown): NimbusError {
  const reason = ((cause as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (cause as Error).name
  if (where.dataDir !== undefined && reason === 'ECONNREFUSED') {
    return new NimbusError('no-node', `No node is running with the data folder ${where.dataDir}: nobody answers at ${where.url}.`, {
      kind: 'unreachable',
      cure: 'Start it with `nimbus up`.',
      cause,
    })
  }
  return new NimbusError('unreachable', `The node at ${where.url} does not answer (${reason}).`, {
    kind: 'unreachable',
    cure: 'Is the address right, and does the node run? `nimbus doctor` looks into it.',
    cause,
  })
}

async function errorOf(response: Response): Promise<NimbusError> {
  const text = (await response.text()).slice(0, 10_000)
  const kind = KIND_OF_STATUS[response.status] ?? 'failed'
  try {
    const problem = JSON.parse(text) as Problem
    const wrongToken =
      response.status === 401
        ? 'Give the token of that node: --token TOKEN or NIMBUS_TOKEN; it is in the file `token` of its data folder.'
        : problem.cure
    return new NimbusError(String(problem.code), String(problem.detail), {
      // A quota does not pass by itself, unlike other limits of this status.
      kind: problem.code === 'quota' ? 'refused' : kind,
      ...(wrongToken === undefined ? {} : { cure: wrongToken }),
    })
  } catch {
    // Not one of ours: something else answers there.
    return new NimbusError('unexpected-answer', `${response.url} answered ${response.status} in a way no node does.`, {
      kind,
      cure: 'Is this the address of a Nimbus node?',
    })
  }
}
