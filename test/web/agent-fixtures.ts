// Sessions of agents and questions to people in the shapes of the API.
import type { QuestionView } from '../../protocols/agents/question-views.ts'
import type { SessionMessage, SessionView } from '../../protocols/http/sessions.ts'
import type { TerminalView } from '../../protocols/terminals/views.ts'
import { peerIdOf } from './fixtures.ts'

const MINUTE = 60_000
const idOf = (index: number) => `01ja${index.toString().padStart(4, '0')}q7wk3mv8t2ga5znc9x`

export function aSession(index: number, state: SessionView['state'], more: Partial<SessionView> = {}): SessionView {
  return {
    id: idOf(index),
    state,
    prompt: 'Make the tests of the ledger pass.\nChange nothing else.',
    driver: 'claude',
    model: 'opus',
    worker: peerIdOf('birch'),
    workerName: 'birch',
    author: peerIdOf('alder'),
    authorName: 'alder',
    turns: 3,
    tokens: { input: 1_200, output: 3_400, cacheRead: 40_000, cacheWrite: 5_400 },
    costUsd: 0.42,
    files: ['ledger/replay.ts'],
    asks: [],
    decided: [],
    refused: [],
    onLoss: 'move',
    createdAt: Date.now() - index * 7 * MINUTE,
    updatedAt: Date.now() - index * 2 * MINUTE,
    tasks: [idOf(index)],
    pending: 0,
    ...more,
  }
}

export function anAsk(tool: string, input: string): SessionView['asks'][number] {
  return { request: `r-${tool}`, tool, input, askedAt: Date.now() - 2 * MINUTE, reminders: 0 }
}

export function someMessages(texts: readonly string[]): SessionMessage[] {
  const at = (index: number) => ({ task: idOf(0), epoch: 1, at: index * 100 })
  const time = Date.now() - MINUTE
  return [
    { ...at(0), event: { type: 'ready', time, model: 'opus' } },
    { ...at(1), event: { type: 'prompt', time, order: 'o', text: 'Make the tests of the ledger pass.' } },
    ...texts.map((text, index) => ({ ...at(2 + index), event: { type: 'message', time, text } })),
    { ...at(90), event: { type: 'tool', time, call: 'c', tool: 'Bash', input: 'npm test' } },
    { ...at(91), event: { type: 'usage', time, tokens: {} } },
    { ...at(92), event: { type: 'tool-result', time, call: 'c', ok: false, text: '1 of 40 failed' } },
  ]
}

export function aQuestion(index: number, text: string, more: Partial<QuestionView> = {}): QuestionView {
  return {
    id: `01jq${index.toString().padStart(4, '0')}q7wk3mv8t2ga5znc9x`,
    state: 'open',
    about: 'question',
    request: `q${index}`,
    text,
    askedBy: 'birch',
    askedAt: Date.now() - index * 3 * MINUTE,
    ...more,
  }
}

export function aTerminal(index: number, more: Partial<TerminalView> = {}): TerminalView {
  return {
    id: `01jt${index.toString().padStart(4, '0')}q7wk3mv8t2ga5znc9x`,
    state: 'running',
    argv: ['htop', '--tree'],
    worker: peerIdOf('birch'),
    workerName: 'birch',
    createdAt: Date.now() - index * 11 * MINUTE,
    ...more,
  }
}
