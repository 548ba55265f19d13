// What a session host is told by its node, and what it remembers between processes: two small files of the session's folder that
// nothing inside the sandbox can reach.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { ModelUse, TokenCounts } from '../../../../protocols/agents/agent-events.ts'
import type { SessionOrder } from '../../../../protocols/agents/session-records.ts'
import type { AgentSpec } from '../../../../protocols/tasks/task-spec.ts'
import { SESSION_TAKEN_MAX } from '../../../../protocols/limits.ts'
import { NO_TOKENS } from '../../driver.ts'

export type HostOrder = {
  session: string
  task: string
  epoch: number
  agent: AgentSpec
  /** Of the repository: what it began with. */
  base?: string
  branch?: string
  /** The folder that the agent knows from the worker before. */
  treeBefore?: string
}
/** An order as it reaches the host. */
export type GivenOrder = Pick<SessionOrder, 'id' | 'op' | 'text' | 'request' | 'allow' | 'by' | 'now'>
export type InboxOrder =
  | GivenOrder
  /** Answers a turn that the host asked for, by the name of that turn; it comes from the node alone. */
  | { op: 'go'; id: string }

export type HostState = {
  /** Whose lines are in the history. */
  task?: string
  agentSession: string
  /** The agent keeps a conversation under that name. */
  started: boolean
  /** Prompts that wait for their turn. */
  queue: { order: string; text: string }[]
  /** The one whose turn is open. */
  open?: { order: string; text: string }
  /** Orders that are done or begun, newest last. */
  taken: string[]
  turns: number
  tokens: TokenCounts
  costUsd: number
  /** The same by model. */
  models?: ModelUse[]
}

/** The places of one session, below its folder. */
export function placesOf(root: string) {
  const run = join(root, 'run')
  return {
    root,
    /** Written by the agent. */
    tree: join(root, 'tree'),
    home: join(root, 'home'),
    config: join(root, 'config'),
    /** Written by us alone. */
    run,
    out: join(root, 'out'),
    /** Between us and git in the sandbox, out of the agent's reach. */
    save: join(root, 'save'),
    order: join(run, 'order.json'),
    state: join(run, 'state.json'),
    inbox: join(run, 'inbox.jsonl'),
    history: join(run, 'history.jsonl'),
  }
}
export type Places = ReturnType<typeof placesOf>

export function readHostOrder(file: string): HostOrder {
  return JSON.parse(readFileSync(file, 'utf8')) as HostOrder
}

export function readHostState(file: string, agentSession: string): HostState {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as HostState
  } catch {
    return { agentSession, started: false, queue: [], taken: [], turns: 0, tokens: NO_TOKENS, costUsd: 0 } // the first process
  }
}

export function isSameTask(file: string, task: string): boolean {
  return readHostState(file, '').task === task
}

/** On the disk before it counts: an order that was begun is not begun again after a crash. */
export function writeHostState(file: string, state: HostState): void {
  const draft = `${file}.new`
  const handle = openSync(draft, 'w', 0o600)
  writeSync(handle, JSON.stringify({ ...state, taken: state.taken.slice(-SESSION_TAKEN_MAX) }))
  fsyncSync(handle)
  closeSync(handle)
  renameSync(draft, file)
}
