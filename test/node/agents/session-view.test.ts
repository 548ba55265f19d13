// What is shown of a session follows from who holds its task, whether that member is alive, and what it says itself: nothing else.
import { expect, test } from 'vitest'
import { createSessionBook } from '../../../node/agents/session-book.ts'
import { sessionView } from '../../../node/agents/session-view.ts'
import type { TaskState } from '../../../node/tasks/fold/fold.ts'
import { emptyState } from '../../../node/tasks/fold/task-state.ts'
import type { Block } from '../../../protocols/blocks.ts'
import type { PeerId, TaskId, Term } from '../../../protocols/ids.ts'
import { timeText } from '../../../protocols/ids.ts'
import type { SessionRecord } from '../../../protocols/agents/session-records.ts'
import type { Entry } from '../../../protocols/records.ts'
import { alice, bob, CREATED_AT } from '../../protocols/samples.ts'

const SESSION = `${timeText(CREATED_AT)}0000000000000000` as TaskId
const NEXT = `${timeText(CREATED_AT + 1)}0000000000000000` as TaskId
const nothing = {
  turns: 0,
  tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
  costUsd: 0,
  files: [],
  asks: [],
  decided: [],
  taken: [],
}

function record(fields: Partial<SessionRecord>): Entry {
  return {
    kind: 'session',
    session: SESSION,
    task: SESSION,
    run: 0,
    epoch: 1,
    rev: 1,
    at: CREATED_AT,
    state: 'working',
    ...nothing,
    ...fields,
  }
}

function block(author: PeerId): Block {
  return { v: 1, author, epoch: 1, seq: 1, hlc: CREATED_AT * 1024, prev: new Uint8Array(32), entries: [] }
}

function held(holder: PeerId, epoch: number, value: object = {}): TaskState {
  const state = emptyState(SESSION)
  state.task = {
    author: alice.peerId,
    createdAt: CREATED_AT,
    spec: { kind: 'agent', argv: [], priority: 5, attempts: 1, agent: { prompt: 'p', driver: 'claude' } },
  } as unknown as TaskState['task']
  Object.assign(state, {
    value: { ...state.value, version: 1, epoch, state: 'held', holder, ...value },
    attempts: [{ epoch, attempt: 1, holder, term: '1' as Term }],
  })
  return state
}

function shown(tasks: TaskState[], said: [PeerId, Entry][], alive: PeerId[] = [alice.peerId, bob.peerId]) {
  const book = createSessionBook(() => {})
  for (const [author, entry] of said) book.part.apply(entry, block(author))
  return sessionView(tasks, { book, nameOf: (peer) => peer.slice(-4), isAlive: (peer) => alive.includes(peer), waiting: () => undefined })
}

test('a session works where the living holder of its task says so of that very attempt', () => {
  expect(shown([held(bob.peerId, 1)], [[bob.peerId, record({})]])?.state).toBe('working')
})

test('the words of anybody else do not count, however new they claim to be', () => {
  const lie = record({ rev: 1_000_000, run: 99, epoch: 99, state: 'done', costUsd: 1 })
  expect(
    shown(
      [held(bob.peerId, 1)],
      [
        [alice.peerId, lie],
        [bob.peerId, record({})],
      ],
    )?.state,
  ).toBe('working')
  expect(shown([held(bob.peerId, 1)], [[alice.peerId, lie]])?.state).toBe('starting')
})

test('it is not shown as working when its worker cannot be reached, nor by what an earlier attempt said', () => {
  const away = shown([held(bob.peerId, 1)], [[bob.peerId, record({})]], [alice.peerId])
  expect(away).toMatchObject({ state: 'interrupted', reason: { code: 'worker-unreachable' } })
  expect(shown([held(bob.peerId, 2)], [[bob.peerId, record({})]])?.state).toBe('starting')
  const free = held(bob.peerId, 1, { state: 'free', holder: undefined })
  expect(shown([free], [[bob.peerId, record({})]])?.state).toBe('starting')
})

test('an end is what the worker said, else what became of its task', () => {
  const over = (end: string, outcome: object = {}) =>
    held(bob.peerId, 1, { state: 'settled', end, outcome: { result: 'failed', endedAt: 1, ...outcome } })
  const reason = { code: 'budget', message: 'used up' }
  expect(shown([over('failed')], [[bob.peerId, record({ state: 'failed', reason })]])).toMatchObject({ state: 'failed', reason })
  expect(shown([over('failed', { error: 'no-sandbox: none here' })], [])).toMatchObject({
    state: 'failed',
    reason: { message: 'no-sandbox: none here' },
  })
  expect(shown([over('cancelled')], [[bob.peerId, record({})]])?.state).toBe('interrupted')
  expect(shown([over('succeeded')], [])?.state).toBe('done')
})

test('what the logs say of a session does not depend on the order in which it comes, nor on how often', () => {
  const order = (id: TaskId, author: PeerId): [PeerId, Entry] => [
    author,
    { kind: 'session-order', id, session: SESSION, createdAt: CREATED_AT, op: 'interrupt', by: author },
  ]
  const said: [PeerId, Entry][] = [
    [bob.peerId, record({ rev: 1 })],
    [bob.peerId, record({ rev: 3, state: 'idle' })],
    [bob.peerId, record({ rev: 2, epoch: 2 })],
    [alice.peerId, record({ task: NEXT, run: 1 })],
    order(SESSION, bob.peerId),
    order(SESSION, alice.peerId),
  ]
  const state = (entries: [PeerId, Entry][]) => {
    const book = createSessionBook(() => {})
    for (const [author, entry] of entries) book.part.apply(entry, block(author))
    return JSON.stringify(book.part.state())
  }
  const first = state(said)
  for (let turn = 0; turn < said.length; turn++) expect(state([...said.slice(turn), ...said.slice(0, turn), ...said])).toBe(first)
  expect(state(said.toReversed())).toBe(first)
})
