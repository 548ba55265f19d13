// What a session's loop is made of, what of it an agent is started with, and how it ends in words.
import type { AgentEvent, AgentEventOf, AgentReason } from '../../../protocols/agents/agent-events.ts'
import type { AgentSpec } from '../../../protocols/tasks/task-spec.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { AgentDriver, AgentOrder } from '../driver.ts'
import type { Enclosure } from './enclosure.ts'
import type { HostOrder, HostState, Places } from './notes/host-order.ts'

export type HostComponents = {
  clock: Clock
  environment: Readonly<Record<string, string | undefined>>
  write(line: object): void
  /** The worker wants this process to end; the session goes on elsewhere or later. */
  signal: AbortSignal
}

export type SessionParts = {
  components: HostComponents
  places: Places
  order: HostOrder
  driver: AgentDriver
  enclosure: Enclosure
  emit(event: AgentEvent): void
  /** Something was finished that shall not be lost with this machine. */
  worthSaving(call?: string): void
  /** Calls that earlier runs of the task finished. */
  finished: readonly string[]
}

/** @param leftUsd what may still be spent */
export function agentOrder(
  { components, places, enclosure }: SessionParts,
  agent: AgentSpec,
  state: HostState,
  leftUsd: number | undefined,
): AgentOrder {
  const { agentSession, started } = state
  return {
    clock: components.clock,
    cwd: places.tree,
    home: places.home,
    configDir: places.config,
    environment: components.environment,
    agentSession,
    launch: enclosure.launch,
    ...(agent.command === undefined ? {} : { command: agent.command }),
    ...askOf(agent),
    ...(agent.model === undefined ? {} : { model: agent.model }),
    ...(leftUsd === undefined ? {} : { budgetUsd: leftUsd }),
    ...(started ? { resume: agentSession } : {}),
  }
}

export type Ending = { state: 'done' | 'failed' | 'interrupted'; reason?: AgentReason }

/** Another worker goes on with it. */
export const MOVING: Ending = { state: 'interrupted', reason: { code: 'moving', message: 'It moves to another worker.' } }

export function endOf(result: AgentEventOf<'turn'>['result']): Ending {
  return result === 'interrupted'
    ? { state: 'interrupted', reason: { code: 'interrupted', message: 'Its turn was interrupted, and nobody sent more.' } }
    : { state: 'done' }
}

export function overBudget(costUsd: number, budget: number): AgentReason {
  return {
    code: 'budget',
    message: `It cost ${costUsd.toFixed(4)} USD, its budget is ${budget.toFixed(4)}.`,
    cure: 'nimbus session resume ID --budget USD gives it more.',
  }
}

export function stopped(by: string): AgentReason {
  return { code: 'stopped', message: `It was stopped by ${by}.`, cure: 'nimbus session send goes on with it.' }
}

export function hung(silentMs: number): AgentReason {
  return {
    code: 'agent-hung',
    message: `Nothing was heard of it for ${silentMs} ms while a turn was open, and it was ended.`,
    cure: 'nimbus session resume goes on where it was; --silent-timeout gives it more time.',
  }
}

/** Names alone: what ends with `*` is matched when the agent asks by itself. */
function askOf({ ask = [] }: AgentSpec): { ask?: string[] } {
  const names = ask.filter((name) => !name.endsWith('*'))
  return names.length === 0 ? {} : { ask: names }
}

export const DIED: AgentReason = {
  code: 'agent-died',
  message: 'The agent ended in the middle of a turn.',
  cure: 'nimbus session resume goes on where it was.',
}

/** It was ended before it had written down that there is a conversation: a new one, with what stands in our own notes. */
export function startOver(state: HostState, parts: Pick<SessionParts, 'finished'>, agentSession: string): void {
  if (state.open !== undefined) state.queue.unshift({ order: state.open.order, text: startOverWords(parts, state.open.text) })
  Object.assign(state, { started: false, agentSession })
}

/** For an agent that knows of no conversation: what it is there for, and what was finished of it all the same. */
export function startOverWords({ finished }: Pick<SessionParts, 'finished'>, text: string): string {
  if (finished.length === 0) return text
  return `${text}\n\n(An earlier process of this session did these calls already; look at what is done, and do not repeat it:\n${finished.map((call) => `- ${call}`).join('\n')})`
}

/** What an agent is told whose turn was cut off. Its own memory may lack what happened in the last moment; ours does not. */
export function goOnWords({
  finished,
  order: { treeBefore },
  places: { tree },
}: Pick<SessionParts, 'finished' | 'order' | 'places'>): string {
  const calls =
    finished.length === 0
      ? ''
      : `\nThese calls were finished, whether you remember them or not:\n${finished.map((call) => `- ${call}`).join('\n')}`
  const place =
    treeBefore === undefined || treeBefore === tree
      ? 'in the same folder'
      : `on another machine: your folder, which was ${treeBefore}, is ${tree} now, as it was saved`
  return `The process that ran you was ended in the middle of this turn, and this is a new one ${place}. Look at what is done already, do not repeat it, and go on.${calls}`
}
