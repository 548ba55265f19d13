// Reads the lines of Claude Code: each becomes events of ours, or nothing. Only documented fields are read, loosely: versions differ,
// and what is missing is left out rather than guessed.
import type { AgentReason, ModelUse, TokenCounts } from '../../../protocols/agents/agent-events.ts'
import type { AgentListener } from '../driver.ts'
import { addModels, addTokens, CONVERSATION_LOST, NO_TOKENS } from '../driver.ts'

export type ClaudeReader = {
  /** False where the line is none of Claude Code's. */
  read(line: string): boolean
  isReady(): boolean
  /** A prompt goes out: the next turn is its. */
  prompted(order: string): void
  interrupting(): void
  /** What a permission was asked for. */
  inputOf(request: string): unknown
}

/** Messages whose usage is remembered, so that none counts twice; the sum of the older ones is kept. */
const USAGES_MAX = 1_000
const REQUESTS_MAX = 64

type Json = Record<string, unknown>

/** @param wallMs for waits that are told as a length of time */
export function createClaudeReader(listener: AgentListener, wallMs: () => number): ClaudeReader {
  const usages = new Map<string, TokenCounts>()
  const requests = new Map<string, unknown>()
  let older = NO_TOKENS
  let ready = false
  let interrupted = false
  let authentication: string | undefined

  const noteUsage = (message: Json): void => {
    const id = textOf(message['id'])
    if (id === '' || message['usage'] === undefined) return
    usages.set(id, tokensOf(objectOf(message['usage'])))
    if (usages.size > USAGES_MAX) {
      const [first, tokens] = usages.entries().next().value as [string, TokenCounts]
      usages.delete(first)
      older = addTokens(older, tokens)
    }
    listener.event({ type: 'usage', tokens: [...usages.values()].reduce(addTokens, older) })
  }
  const onAssistant = (line: Json): void => {
    const message = objectOf(line['message'])
    if (typeof line['error'] === 'string') authentication = line['error']
    noteUsage(message)
    for (const block of blocksOf(message)) {
      if (block['type'] === 'text' && textOf(block['text']) !== '')
        listener.event({ type: 'message', message: textOf(message['id']) || 'message', text: textOf(block['text']) })
      if (block['type'] !== 'tool_use') continue
      const input = objectOf(block['input'])
      const file = textOf(input['file_path']) || textOf(input['notebook_path'])
      const changes = /^(Edit|Write|MultiEdit|NotebookEdit)$/.test(textOf(block['name']))
      listener.event({
        type: 'tool',
        call: textOf(block['id']) || 'call',
        tool: textOf(block['name']).slice(0, 200),
        input: JSON.stringify(input),
        ...(changes && file !== '' ? { file: file.slice(0, 4_096) } : {}),
      })
    }
  }
  const onUser = (line: Json): void => {
    for (const block of blocksOf(objectOf(line['message'])))
      if (block['type'] === 'tool_result')
        listener.event({
          type: 'tool-result',
          call: textOf(block['tool_use_id']) || 'call',
          ok: block['is_error'] !== true,
          text: contentText(block['content']),
        })
  }
  const onSystem = (line: Json): void => {
    if (line['subtype'] === 'init') {
      if (ready) return
      ready = true
      listener.event({
        type: 'ready',
        ...given('agentSession', line['session_id']),
        ...given('model', line['model']),
        ...given('version', line['claude_code_version']),
      })
    } else if (line['subtype'] === 'api_retry') onRetry(line)
    else if (line['subtype'] === 'compact_boundary') listener.event({ type: 'note', text: 'The conversation was compacted.' })
  }
  const onRetry = (line: Json): void => {
    const status = numberOf(line['error_status']) ?? numberOf(line['status'])
    const delay = numberOf(line['retry_delay_ms'])
    if (status === 429)
      listener.event({
        type: 'limited',
        status: 'retrying',
        ...(delay === undefined ? {} : { resetsAt: Math.round(wallMs() + delay) }),
        message: `The server asked to wait${delay === undefined ? '' : ` ${Math.round(delay)} ms`} (429).`,
      })
    else listener.event({ type: 'note', text: `A request to the model failed (${status ?? textOf(line['error'])}) and is tried again.` })
  }
  const onResult = (line: Json): void => {
    const subtype = textOf(line['subtype'])
    const text = textOf(line['result']) || textOf(listOf(line['errors'])[0])
    const failed = subtype !== 'success' || line['is_error'] === true
    const models = modelUses(objectOf(line['modelUsage']), numberOf(line['total_cost_usd']) ?? 0)
    const reason = failed ? reasonOf(subtype, text, authentication) : undefined
    const result = interrupted && failed ? 'interrupted' : subtype === 'error_max_budget_usd' ? 'budget' : failed ? 'error' : 'success'
    interrupted = false
    authentication = undefined
    listener.event({
      type: 'turn',
      result,
      turns: numberOf(line['num_turns']) ?? 0,
      tokens: models?.map(({ tokens }) => tokens).reduce(addTokens) ?? tokensOf(objectOf(line['usage'])),
      costUsd: numberOf(line['total_cost_usd']) ?? 0,
      text,
      ...(models === undefined ? {} : { models }),
      ...(numberOf(line['duration_ms']) === undefined ? {} : { durationMs: Math.round(numberOf(line['duration_ms']) ?? 0) }),
      ...(reason === undefined || result === 'interrupted' ? {} : { reason }),
    })
  }
  const onRequest = (line: Json): void => {
    const request = objectOf(line['request'])
    const id = textOf(line['request_id'])
    if (request['subtype'] !== 'can_use_tool' || id === '') return
    requests.set(id, request['input'])
    if (requests.size > REQUESTS_MAX) requests.delete(requests.keys().next().value as string)
    listener.permission({ request: id, tool: textOf(request['tool_name']).slice(0, 200), input: request['input'] })
  }
  const onLimit = (line: Json): void => {
    const info = objectOf(line['rate_limit_info'] ?? line)
    const status = textOf(info['status'])
    const resets = numberOf(info['resetsAt'])
    if (status === '' || status === 'allowed') return
    listener.event({
      type: 'limited',
      status,
      ...(resets === undefined ? {} : { resetsAt: Math.round(resets < 1e12 ? resets * 1_000 : resets) }),
    })
  }
  const kinds: Record<string, (line: Json) => void> = {
    assistant: onAssistant,
    user: onUser,
    system: onSystem,
    result: onResult,
    control_request: onRequest,
    rate_limit_event: onLimit,
  }
  return {
    read(line) {
      const value = jsonOf(line)
      if (value === undefined || typeof value['type'] !== 'string') return false
      kinds[value['type']]?.(value)
      return true
    },
    isReady: () => ready,
    prompted: () => void (interrupted = false),
    interrupting: () => {
      interrupted = true
    },
    inputOf: (request) => requests.get(request),
  }
}

function reasonOf(subtype: string, text: string, error: string | undefined): AgentReason {
  if (error === 'authentication_failed' || /not logged in|please run \/login|invalid api key|authentication_error/i.test(text))
    return {
      code: 'agent-not-logged-in',
      message: `Claude Code is not logged in on this worker: ${text.slice(0, 500)}`,
      cure: 'Give the worker a key (ANTHROPIC_API_KEY), a token of claude setup-token (CLAUDE_CODE_OAUTH_TOKEN), or log in there: nimbus doctor says how.',
    }
  if (subtype === 'error_max_budget_usd')
    return { code: 'budget', message: 'The budget of this session is used up.', cure: 'Raise it: nimbus session resume --budget USD.' }
  if (/rate.?limit|\b429\b|usage limit/i.test(text))
    return { code: 'rate-limited', message: text.slice(0, 1_000), cure: 'Resume it when the limit has passed.' }
  if (/no conversation found/i.test(text)) return { code: CONVERSATION_LOST, message: text.slice(0, 1_000) }
  return { code: 'turn-failed', message: text.slice(0, 1_000) || `The turn ended with ${subtype}.` }
}

/** By model; together exactly what the whole cost. */
function modelUses(usage: Json, totalUsd: number): ModelUse[] | undefined {
  const uses = Object.entries(usage).map(([model, value]): ModelUse => {
    const one = objectOf(value)
    const tokens = {
      input: whole(one['inputTokens']),
      output: whole(one['outputTokens']),
      cacheRead: whole(one['cacheReadInputTokens']),
      cacheWrite: whole(one['cacheCreationInputTokens']),
    }
    return { model: model.slice(0, 200) || 'unknown', tokens, costUsd: numberOf(one['costUSD']) ?? 0 }
  })
  const [first, ...rest] = addModels(uses, [])
  if (first === undefined) return undefined
  const others = rest.reduce((sum, { costUsd }) => sum + costUsd, 0)
  return [{ ...first, costUsd: Math.max(0, totalUsd - others) }, ...rest]
}

function tokensOf(usage: Json): TokenCounts {
  return {
    input: whole(usage['input_tokens']),
    output: whole(usage['output_tokens']),
    cacheRead: whole(usage['cache_read_input_tokens']),
    cacheWrite: whole(usage['cache_creation_input_tokens']),
  }
}

function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  return listOf(content)
    .map((part) => textOf(objectOf(part)['text']))
    .join('')
}

function blocksOf(message: Json): Json[] {
  return listOf(message['content']).map(objectOf)
}

function jsonOf(line: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
  } catch {
    return undefined // no JSON: the caller counts it
  }
}

function given<Key extends string>(key: Key, value: unknown): { [Name in Key]?: string } {
  return (typeof value === 'string' && value !== '' ? { [key]: value.slice(0, key === 'version' ? 100 : 200) } : {}) as {
    [Name in Key]?: string
  }
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}

function whole(value: unknown): number {
  return Math.round(numberOf(value) ?? 0)
}
