// What a session says of itself, one JSON line an event: from its host to its node, into the log of its attempt, and to whoever
// watches. Fields that this version does not know stay in the line.
import * as z from 'zod'
import { AGENT_TEXT_MAX } from '../limits.ts'

/** Models that one session is told apart by. */
export const MODELS_MAX = 16

const count = z.int().min(0)
const usd = z.number().min(0)
const id = z.string().min(1).max(200)
const text = z.string().max(AGENT_TEXT_MAX)

export const tokenCounts = z.looseObject({ input: count, output: count, cacheRead: count, cacheWrite: count })
export type TokenCounts = z.infer<typeof tokenCounts>

/** What one model used. */
export const modelUse = z.looseObject({ model: z.string().min(1).max(200), tokens: tokenCounts, costUsd: usd })
export type ModelUse = z.infer<typeof modelUse>

const reason = z.looseObject({ code: z.string().max(64), message: z.string().max(2_000), cure: z.string().max(500).optional() })
export type AgentReason = z.infer<typeof reason>

/** Texts are cut at AGENT_TEXT_MAX characters; `cut` says how many were left out. */
export const agentEvent = z.discriminatedUnion('type', [
  /** The agent runs: only now is the session more than `starting`. `agentSession` is the agent's own name for it. */
  z.looseObject({
    type: z.literal('ready'),
    agentSession: id.optional(),
    model: z.string().max(200).optional(),
    version: z.string().max(100).optional(),
    pid: count.optional(),
    resumed: z.boolean().optional(),
  }),
  /** A prompt was taken by the agent: `order` is the order that brought it. */
  z.looseObject({ type: z.literal('prompt'), order: id, text, cut: count.optional() }),
  z.looseObject({ type: z.literal('message'), message: id.optional(), text, cut: count.optional() }),
  z.looseObject({
    type: z.literal('tool'),
    call: id,
    tool: z.string().max(200),
    input: text,
    file: z.string().max(4_096).optional(),
    cut: count.optional(),
  }),
  z.looseObject({ type: z.literal('tool-result'), call: id, ok: z.boolean(), text, cut: count.optional() }),
  /** What it used so far, this process and those before it. An estimate until the turn's end. */
  z.looseObject({ type: z.literal('usage'), tokens: tokenCounts, costUsd: usd.optional() }),
  /** A turn is over. Tokens and cost are of the whole session. */
  z.looseObject({
    type: z.literal('turn'),
    result: z.enum(['success', 'interrupted', 'budget', 'error']),
    turns: count,
    tokens: tokenCounts,
    costUsd: usd,
    text,
    durationMs: count.optional(),
    reason: reason.optional(),
    /** The same by model, the largest ones. */
    models: z.array(modelUse).max(MODELS_MAX).optional(),
    cut: count.optional(),
  }),
  /** It would begin a turn: the node says go, or tells why it waits. */
  z.looseObject({ type: z.literal('wants'), turn: id }),
  /** It wants to do something that needs a yes. */
  z.looseObject({ type: z.literal('ask'), request: id, tool: z.string().max(200), input: text, cut: count.optional() }),
  /** The first answer to a request, which is the one that counts; `order` brought it. */
  z.looseObject({
    type: z.literal('decided'),
    request: id,
    allow: z.boolean(),
    order: id.optional(),
    by: z.string().max(200),
    note: z.string().max(2_000).optional(),
  }),
  /** The account may not go on before `resetsAt` (wall milliseconds). */
  z.looseObject({
    type: z.literal('limited'),
    status: z.string().max(64),
    resetsAt: count.optional(),
    message: z.string().max(2_000).optional(),
  }),
  /** A call to the network that the list does not allow. */
  z.looseObject({ type: z.literal('refused'), host: z.string().max(300) }),
  /** Nothing was heard for this long although work is open. */
  z.looseObject({ type: z.literal('silent'), silentMs: count }),
  /** An order was done, or refused for a reason. */
  z.looseObject({ type: z.literal('taken'), order: id, error: z.string().max(500).optional() }),
  z.looseObject({ type: z.literal('note'), text, cut: count.optional() }),
  /** The host has put the state of the session into a file for its node: the `n`th one of this process. */
  z.looseObject({ type: z.literal('saved'), n: count, after: id.optional() }),
  /** The last line. Without it the host did not end by itself. */
  z.looseObject({
    type: z.literal('end'),
    state: z.enum(['done', 'failed', 'interrupted']),
    reason: reason.optional(),
    commit: z.string().max(64).optional(),
    files: z.array(z.string().max(1_024)).max(500).optional(),
  }),
])
export type AgentEvent = z.infer<typeof agentEvent>
export type AgentEventOf<Type extends AgentEvent['type']> = Extract<AgentEvent, { type: Type }>

/** One line of output; `time` is wall milliseconds of the host. `replayed`: an earlier run of the task said it. */
export type AgentLine = AgentEvent & { time: number; replayed?: boolean }

/** An event as it is kept: a long text is cut and says so. */
export function fitEvent<Event extends AgentEvent>(event: Event): Event {
  const kept: Record<string, unknown> = { ...event }
  for (const field of ['text', 'input']) {
    const value = kept[field]
    if (typeof value !== 'string' || value.length <= AGENT_TEXT_MAX) continue
    // Room for a surrogate that would be cut in half.
    kept[field] = value.slice(0, AGENT_TEXT_MAX - 1).toWellFormed()
    kept['cut'] = value.length - AGENT_TEXT_MAX + 1
  }
  return kept as Event
}

/** Undefined for what is no event of this version: output of something else, or a newer kind. */
export function readAgentLine(line: string): AgentLine | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value = JSON.parse(line) as { time?: unknown; replayed?: unknown }
    const event = agentEvent.safeParse(value)
    return event.success && typeof value.time === 'number'
      ? { ...event.data, time: value.time, ...(value.replayed === true ? { replayed: true } : {}) }
      : undefined
  } catch {
    return undefined // no JSON
  }
}
