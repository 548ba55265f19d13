// Where a session is, and who is the one to claim its task: from records of those that held it, and from nothing else.
import { expect, test } from 'vitest'
import { HOME_GRACE_MS, notHereBeforeMs } from '../../../../node/agents/moving/home.ts'
import { type SaidRecord, whereabouts } from '../../../../node/agents/moving/whereabouts.ts'
import type { TaskState } from '../../../../node/tasks/fold/fold.ts'
import { emptyState } from '../../../../node/tasks/fold/task-state.ts'
import type { SessionRecord } from '../../../../protocols/agents/session-records.ts'
import type { PeerId, TaskId } from '../../../../protocols/ids.ts'
import { timeText } from '../../../../protocols/ids.ts'
import { alice, bob, CREATED_AT } from '../../../protocols/samples.ts'

const [A, B, C] = [alice.peerId, bob.peerId, 'carol' as PeerId]
const SESSION = `${timeText(CREATED_AT)}0000000000000000` as TaskId
const NEXT = `${timeText(CREATED_AT + 1)}0000000000000000` as TaskId

function said(worker: PeerId, run: number, epoch: number, readers: PeerId[] = [], more: Partial<SessionRecord> = {}): SaidRecord {
  const sealed = readers.map((to) => ({ to, enc: new Uint8Array(32), key: new Uint8Array(48) }))
  const save = { hash: 'a'.repeat(64), size: 1, at: 1, sealed, kept: [C] }
  const fields = { session: SESSION, task: run === 0 ? SESSION : NEXT, run, epoch, turns: 1, agentSession: 'x' }
  return { worker, record: { ...fields, ...(readers.length === 0 ? {} : { save }), ...more } as unknown as SessionRecord }
}
const folder = (run: number, epoch: number) => ({ run, task: run === 0 ? SESSION : NEXT, epoch })

test('a folder is the session until another worker held it later', () => {
  expect(whereabouts([], A, undefined)).toEqual({ at: 'nowhere' })
  expect(whereabouts([said(A, 0, 1)], A, folder(0, 1))).toEqual({ at: 'here' })
  // It was begun here under an epoch that was not told before the crash.
  expect(whereabouts([said(B, 0, 1, [A])], A, folder(0, 2))).toEqual({ at: 'here' })
  expect(whereabouts([said(A, 0, 1, [A, B]), said(B, 0, 2, [A, B])], A, folder(0, 1))).toMatchObject({ at: 'saved', worker: B })
  expect(whereabouts([said(A, 0, 9, [A, B]), said(B, 1, 1, [A, B])], A, folder(0, 9))).toMatchObject({ at: 'saved', worker: B })
  expect(whereabouts([said(A, 0, 1), said(B, 1, 1)], A, folder(0, 1))).toEqual({ at: 'elsewhere', worker: B })
})

test('what was saved counts for those it is sealed to, and never in place of a newer one', () => {
  expect(whereabouts([said(A, 0, 1, [B])], B, undefined)).toMatchObject({ at: 'saved', worker: A })
  expect(whereabouts([said(A, 0, 1, [B])], C, undefined)).toEqual({ at: 'elsewhere', worker: A })
  expect(whereabouts([said(A, 0, 1, [A, B, C]), said(B, 0, 2)], C, undefined)).toEqual({ at: 'elsewhere', worker: B })
  // Its agent never began: nothing is lost where it begins elsewhere.
  const unbegun = said(A, 0, 1)
  const record = { ...unbegun.record, turns: 0 }
  delete record.agentSession
  expect(whereabouts([{ ...unbegun, record }], B, undefined)).toEqual({ at: 'nowhere' })
})

test('the worker where the session is comes first; after its grace those that can go on, and nobody else', () => {
  const state = { ...emptyState(SESSION), task: { spec: { agent: { onLoss: 'move' } } } } as unknown as TaskState
  const asked = (self: PeerId, words: SaidRecord[], silentMs: number, of = state): number =>
    notHereBeforeMs(of, { self, clock: { nowMs: () => 1_000_000 }, said: () => words, silentMs: () => silentMs })
  const saved = [said(A, 0, 1, [A, B])]
  expect(asked(B, [], 0)).toBe(0)
  expect(asked(A, saved, 0)).toBe(0)
  expect(asked(B, saved, 0)).toBeGreaterThan(1_000_000)
  expect(asked(B, saved, 1_000)).toBe(1_000_000 + HOME_GRACE_MS - 1_000)
  expect(asked(B, saved, HOME_GRACE_MS)).toBe(0)
  expect(asked(C, saved, HOME_GRACE_MS)).toBe(Infinity)
  // A move names its target; whoever took that over since is the home.
  const moved = { ...state, id: NEXT, task: { spec: { agent: { onLoss: 'move', home: B, session: SESSION } } } } as unknown as TaskState
  expect(asked(B, saved, 0, moved)).toBe(0)
  expect(asked(A, saved, 0, moved)).toBeGreaterThan(1_000_000)
  expect(asked(A, [...saved, said(A, 1, 3, [A, B])], 0, moved)).toBe(0)
  const waits = { ...state, task: { spec: { agent: { onLoss: 'wait' } } } } as unknown as TaskState
  expect(asked(C, saved, 0, waits)).toBe(0)
})
