// The driver port: how a session host speaks with one kind of coding agent. A driver turns the agent's own language into events and
// back; it decides nothing, keeps no files, and starts processes only through `launch`, which puts them into the sandbox.
import { type AgentEvent, type AgentReason, MODELS_MAX, type ModelUse, type TokenCounts } from '../../protocols/agents/agent-events.ts'
import type { Clock } from '../kernel/clock.ts'

/** A process whose lines are read and whose standard input is written. */
export type AgentPipe = {
  pid: number | undefined
  /** One line of text, without its end. */
  write(line: string): void
  closeInput(): void
  signal(name: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void
  /** How it ended; the end of its standard error. Settles when all of its output was handed on. */
  ended: Promise<{ exitCode?: number; signal?: string; errors: string }>
}

export type LaunchOrder = {
  argv: readonly string[]
  env: Readonly<Record<string, string>>
  /** Files and folders outside of the system's that the agent's program needs to read. */
  readable: readonly string[]
  onLine(line: string): void
  /** A line over the limit was left out. */
  onLongLine(bytes: number): void
}

export type AgentOrder = {
  clock: Clock
  /** The work tree, a home of its own, and a folder for the agent's settings and history: all kept between attempts. */
  cwd: string
  home: string
  configDir: string
  /** What the worker has in its environment: the path, and the agent's credentials. Only what `launch` is given reaches the agent. */
  environment: Readonly<Record<string, string | undefined>>
  /** The words that start the agent, where the session names them. */
  command?: readonly string[]
  model?: string
  /** Tools for which the agent must ask, also where it thinks them harmless. */
  ask?: readonly string[]
  /** What may still be spent. */
  budgetUsd?: number
  /** The agent's own name of a session that goes on. */
  resume?: string
  /** A name for a new one: a UUID. */
  agentSession: string
  launch(order: LaunchOrder): AgentPipe
}

export type PermissionRequest = { request: string; tool: string; input: unknown }
export type PermissionAnswer = { allow: boolean; message?: string }

/** What the host listens to. Tokens and cost are of this process alone. */
export type AgentListener = {
  event(event: Exclude<AgentEvent, { type: 'ask' | 'decided' | 'taken' | 'refused' | 'silent' | 'wants' | 'saved' | 'end' }>): void
  /** Answered by `answer`, sooner or later; the agent waits. */
  permission(request: PermissionRequest): void
  /** A sign of life that is no event. */
  heard(): void
}

export type AgentProcess = {
  /** Takes effect at once where the agent is idle; the host sends one prompt a turn. */
  send(prompt: { order: string; text: string }): void
  /** Ends the turn, not the agent. */
  interrupt(): void
  answer(request: string, answer: PermissionAnswer): void
  /** Politely: the agent may finish what it writes. The host kills what does not go. */
  close(): void
  signal: AgentPipe['signal']
  /** With a reason where it ended otherwise than by `close`. */
  ended: Promise<AgentReason | undefined>
}

/** `headers` are those that the agent itself must not see. */
export type Upstream = { origin: string; headers(): Record<string, string>; variables: Record<string, string> }

export type AgentDriver = {
  name: string
  /** What the agent's server is, so that the host can let it through, and what the agent is told in the place of credentials. */
  upstream?(environment: AgentOrder['environment']): Upstream | undefined
  /** @throws NimbusError where the agent is absent, with the line that installs it */
  start(order: AgentOrder, listener: AgentListener): AgentProcess
}

/** The reason of a turn that could not begin, because the agent had not written down the conversation that it shall go on with. */
export const CONVERSATION_LOST = 'conversation-lost'

export const NO_TOKENS: TokenCounts = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }

export function addTokens(one: TokenCounts, other: TokenCounts): TokenCounts {
  return {
    input: one.input + other.input,
    output: one.output + other.output,
    cacheRead: one.cacheRead + other.cacheRead,
    cacheWrite: one.cacheWrite + other.cacheWrite,
  }
}

/** By model; what is beyond the limit is added to the last one. */
export function addModels(one: readonly ModelUse[], other: readonly ModelUse[]): ModelUse[] {
  const sums: ModelUse[] = []
  for (const { model, tokens, costUsd } of [...one, ...other]) {
    const at = sums.findIndex((sum) => sum.model === model)
    const same = sums[at === -1 && sums.length === MODELS_MAX ? MODELS_MAX - 1 : at]
    if (same === undefined) sums.push({ model, tokens, costUsd })
    else sums[sums.indexOf(same)] = { model: same.model, tokens: addTokens(same.tokens, tokens), costUsd: same.costUsd + costUsd }
  }
  return sums
}
