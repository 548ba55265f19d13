// A model that answers from a script, on loopback, in the language that Claude Code speaks (messages over server-sent events): so the
// real program runs for real. Each request takes the next turn of its script; what the program sent is kept to be looked at.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Turn = {
  text?: string
  /** Tool calls, in order. */
  tools?: { name: string; input: Record<string, unknown> }[]
  usage?: { input?: number; output?: number }
  /** Before the answer begins. */
  delayMs?: number
  /** Never answers. */
  hang?: boolean
  /** An error of the server instead: 429 with `retryAfter` in seconds and `resetAt` (wall seconds). */
  status?: number
  retryAfter?: number
  resetAt?: number
  /** Settles before the answer is sent. */
  until?: Promise<unknown>
}
export type ModelRequest = {
  model: string
  system: string
  messages: { role: string; content: unknown }[]
  headers: IncomingMessage['headers']
}

export type ScriptedModel = {
  url: string
  /** Requests of sessions, oldest first; side requests (titles, counts) are not among them. */
  requests: ModelRequest[]
  /** When each of them came, wall milliseconds. */
  times: number[]
  /** Appends turns to the script named by a word of the first prompt; without one, to the default script. */
  script(turns: readonly Turn[], word?: string): void
  /** Prompts with this word are answered by what the conversation says, as JSON. */
  brain(word: string, answer: (conversation: string) => Turn): void
  /** Turns that nobody took yet. */
  left(word?: string): number
  /** Environment of a node whose agents shall speak with it. */
  env(): Record<string, string>
  close(): Promise<void>
}

const DONE: Turn = { text: 'Done.' }

/** @param host where it listens: all addresses where nodes in other networks shall reach it */
export async function startScriptedModel(host = '127.0.0.1'): Promise<ScriptedModel> {
  const requests: ModelRequest[] = []
  const times: number[] = []
  const scripts = new Map<string, Turn[]>()
  const queueOf = (word: string): Turn[] => {
    const known = scripts.get(word) ?? []
    scripts.set(word, known)
    return known
  }
  const brains = new Map<string, (conversation: string) => Turn>()
  const take = (first: string, conversation: string): Turn => {
    const brain = [...brains].find(([one]) => first.includes(one))
    if (brain !== undefined) return brain[1](conversation)
    const word = [...scripts.keys()].find((one) => one !== '' && first.includes(one)) ?? ''
    return queueOf(word).shift() ?? DONE
  }
  const server = createServer((request, response) => void answer(request, response))
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', 'http://local')
    if (request.method !== 'POST') return void response.writeHead(200).end()
    const body = JSON.parse(await textOf(request)) as Record<string, unknown>
    if (pathname.endsWith('/count_tokens')) return sendJson(response, 200, { input_tokens: 100 })
    if (!pathname.endsWith('/messages'))
      return sendJson(response, 404, { type: 'error', error: { type: 'not_found_error', message: pathname } })
    const messages = (body['messages'] ?? []) as ModelRequest['messages']
    // Titles and the like are asked for without tools.
    if (!Array.isArray(body['tools']) || body['tools'].length === 0) return send(response, body, { text: 'Title' })
    times.push(Date.now())
    requests.push({ model: String(body['model']), system: JSON.stringify(body['system'] ?? ''), messages, headers: request.headers })
    const turn = take(JSON.stringify(messages[0]?.content ?? ''), JSON.stringify(messages))
    if (turn.hang === true) return
    if (turn.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, turn.delayMs))
    await turn.until
    send(response, body, turn)
  }
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    requests,
    times,
    script: (turns, word = '') => void queueOf(word).push(...turns),
    brain: (word, answer) => void brains.set(word, answer),
    left: (word = '') => queueOf(word).length,
    env: () => ({ ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'test-key-of-the-worker' }),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

let made = 0

function send(response: ServerResponse, body: Record<string, unknown>, turn: Turn): void {
  if (turn.status !== undefined) {
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (turn.retryAfter !== undefined) headers['retry-after'] = String(turn.retryAfter)
    if (turn.resetAt !== undefined) {
      headers['anthropic-ratelimit-unified-status'] = 'rejected'
      headers['anthropic-ratelimit-unified-reset'] = String(turn.resetAt)
    }
    const type = turn.status === 429 ? 'rate_limit_error' : turn.status === 401 ? 'authentication_error' : 'api_error'
    return void response
      .writeHead(turn.status, headers)
      .end(JSON.stringify({ type: 'error', error: { type, message: `scripted ${turn.status}` } }))
  }
  made += 1
  const blocks: Record<string, unknown>[] = [
    ...(turn.text === undefined ? [] : [{ type: 'text', text: turn.text }]),
    ...(turn.tools ?? []).map(({ name, input }, at) => ({ type: 'tool_use', id: `toolu_${made}_${at}`, name, input })),
  ]
  const usage = {
    input_tokens: turn.usage?.input ?? 100,
    output_tokens: turn.usage?.output ?? 20,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
  }
  const stop = turn.tools === undefined || turn.tools.length === 0 ? 'end_turn' : 'tool_use'
  const message = { id: `msg_${made}`, type: 'message', role: 'assistant', model: body['model'], stop_reason: null, stop_sequence: null }
  if (body['stream'] !== true) return sendJson(response, 200, { ...message, content: blocks, stop_reason: stop, usage })
  response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': `req_${made}` })
  const event = (type: string, data: object): void => void response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  event('message_start', { message: { ...message, content: [], usage: { ...usage, output_tokens: 1 } } })
  for (const [index, block] of blocks.entries()) {
    const isText = block['type'] === 'text'
    event('content_block_start', { index, content_block: isText ? { type: 'text', text: '' } : { ...block, input: {} } })
    const delta = isText
      ? { type: 'text_delta', text: block['text'] }
      : { type: 'input_json_delta', partial_json: JSON.stringify(block['input']) }
    event('content_block_delta', { index, delta })
    event('content_block_stop', { index })
  }
  event('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage })
  event('message_stop', {})
  response.end()
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of request) text += String(piece)
  return text
}
