// From the events of a session to the record of it. Pure: one record and one event in, the next record out.
import type { AgentEventOf, AgentLine } from '../../protocols/agents/agent-events.ts'
import type { SessionRecord } from '../../protocols/agents/session-records.ts'
import { SESSION_ASKS_MAX, SESSION_FILES_MAX, SESSION_TAKEN_MAX } from '../../protocols/limits.ts'
import { NO_TOKENS } from './driver.ts'

const INPUT_MAX = 4_096

export type RunName = Pick<SessionRecord, 'session' | 'task' | 'run' | 'epoch'>

function emptyRecord(name: RunName, at: number): SessionRecord {
  const nothing = { turns: 0, tokens: NO_TOKENS, costUsd: 0, files: [], asks: [], decided: [], taken: [] }
  return { kind: 'session', ...name, rev: 0, at, state: 'starting', ...nothing }
}

/** Another run of the same session begins: what was true of the process before it is not true any more. */
function nextRun(before: SessionRecord, name: RunName, at: number): SessionRecord {
  const { reason: _reason, limitedUntil: _limited, ...kept } = before
  return { ...kept, ...name, rev: 0, at, state: 'starting', asks: [] }
}

/**
 * What is said first of a run.
 * @param isOwn this worker said what was known before: what another one sealed cannot be opened in this one's name
 */
export function firstRecord(
  before: SessionRecord | undefined,
  isOwn: boolean,
  name: RunName,
  at: number,
  { ground: { base, branch }, taken, save }: Beginning,
): SessionRecord {
  const { save: old, ...known } = before === undefined ? emptyRecord(name, at) : nextRun(before, name, at)
  const current = save ?? (isOwn ? old : undefined)
  return {
    ...known,
    ...(base === undefined ? {} : { base }),
    ...(branch === undefined ? {} : { branch }),
    ...(taken === undefined ? {} : { taken }),
    ...(current === undefined ? {} : { save: current }),
  }
}
/** Of its folder; `taken` and `save` where it goes on from what another worker saved. */
type Beginning = { ground: { base?: string; branch?: string }; taken?: string[]; save?: NonNullable<SessionRecord['save']> }

/** What others need not hear of at once. */
const LATER: ReadonlySet<AgentLine['type']> = new Set(['message', 'tool', 'tool-result', 'usage', 'refused', 'note', 'saved', 'wants'])

/** `urgent`: others must hear of it at once. */
export function afterLine(record: SessionRecord, line: AgentLine, root: string): { record: SessionRecord; urgent: boolean } {
  const next: SessionRecord = { ...record, at: Math.max(record.at, Math.round(line.time)) }
  // It was silent: now it is heard.
  if (next.reason?.code === 'silent') delete next.reason
  return { record: { ...next, ...changesOf(record, line, root) }, urgent: !LATER.has(line.type) }
}

type Changes = Partial<SessionRecord>

function changesOf(record: SessionRecord, line: AgentLine, root: string): Changes {
  switch (line.type) {
    case 'ready':
      return afterReady(record, line)
    case 'prompt':
      // Before it is ready nothing proves that it works.
      return {
        ...(record.state === 'starting' ? {} : { state: 'working' }),
        taken: newest([...record.taken, line.order], SESSION_TAKEN_MAX),
      }
    case 'message':
      return { said: line.text }
    case 'tool':
      return line.file === undefined ? {} : { files: withFile(record.files, line.file, root) }
    case 'usage':
      return { tokens: line.tokens, ...(line.costUsd === undefined ? {} : { costUsd: line.costUsd }) }
    case 'turn':
      return afterTurn(line)
    case 'ask':
      return afterAsk(record, line)
    case 'decided':
      return afterDecision(record, line)
    case 'taken':
      return { taken: newest([...record.taken, line.order], SESSION_TAKEN_MAX) }
    case 'limited':
      return line.resetsAt === undefined ? {} : { limitedUntil: line.resetsAt }
    case 'silent':
      return {
        reason: { code: 'silent', message: `Nothing was heard of it for ${line.silentMs} ms.`, cure: 'Send, interrupt or stop it.' },
      }
    case 'refused':
      return { refused: newest([...(record.refused ?? []).filter((host) => host !== line.host), line.host], SESSION_ASKS_MAX) }
    case 'end':
      return afterEnd(line)
    case 'tool-result':
    case 'saved':
    case 'note':
    case 'wants':
      return {}
  }
}

function afterReady(record: SessionRecord, { agentSession, model, version }: AgentEventOf<'ready'>): Changes {
  return {
    state: record.asks.length > 0 ? 'waiting' : 'working',
    ...(agentSession === undefined ? {} : { agentSession }),
    ...(model === undefined ? {} : { model }),
    ...(version === undefined ? {} : { version }),
  }
}

function afterTurn({ turns, tokens, costUsd, text }: AgentEventOf<'turn'>): Changes {
  return { state: 'idle', turns, tokens, costUsd, asks: [], ...(text === '' ? {} : { said: text }) }
}

function afterAsk(record: SessionRecord, { request, tool, input, time }: AgentEventOf<'ask'> & { time: number }): Changes {
  const ask = { request, tool, input: input.slice(0, INPUT_MAX).toWellFormed(), askedAt: Math.round(time), reminders: 0 }
  return { state: 'waiting', asks: newest([...record.asks, ask], SESSION_ASKS_MAX) }
}

function afterDecision(record: SessionRecord, line: AgentEventOf<'decided'> & { time: number }): Changes {
  const asks = record.asks.filter(({ request }) => request !== line.request)
  const { request, allow, by, order, note } = line
  const said = { ...(order === undefined ? {} : { order }), ...(note === undefined ? {} : { note }) }
  const decision = { request, allow, by, at: Math.round(line.time), ...said }
  return { asks, decided: newest([...record.decided, decision], SESSION_ASKS_MAX), state: asks.length > 0 ? 'waiting' : 'working' }
}

function afterEnd({ state, reason, commit, files }: AgentEventOf<'end'>): Changes {
  return {
    state,
    asks: [],
    ...(reason === undefined ? {} : { reason }),
    ...(commit === undefined ? {} : { commit }),
    ...(files === undefined ? {} : { files: files.slice(0, SESSION_FILES_MAX) }),
  }
}

function withFile(files: readonly string[], file: string, root: string): string[] {
  const name = (file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file).slice(0, 1_024)
  return files.includes(name) || files.length >= SESSION_FILES_MAX ? [...files] : [...files, name]
}

function newest<Item>(items: readonly Item[], max: number): Item[] {
  return items.slice(-max)
}
