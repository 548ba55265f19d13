// Available tasks, by the fold: which end is accepted, which runs are under way, and what users see meanwhile.
import { expect, test } from 'vitest'
import type { Outcome, TaskSpec } from '../../../protocols/records.ts'
import { emptyState } from '../../../node/tasks/fold/task-state.ts'
import type { TaskState } from '../../../node/tasks/fold/task-state.ts'
import { liveRuns, provisionalEnd } from '../../../node/tasks/fold/free-runs.ts'
import { settleFree, stateName } from '../../../node/tasks/fold/transitions.ts'
import { alice, bob, CREATED_AT, TASK, TERM } from '../../protocols/samples.ts'

const spec: TaskSpec = { kind: 'shell', argv: ['true'], priority: 5, attempts: 1, claim: 'available' }
const ended = (result: Outcome['result'], atMs: number): Outcome => ({ result, endedAt: CREATED_AT + atMs })
const run = (epoch: number, startMs: number, outcome?: Outcome, holder = alice.peerId) => ({
  epoch,
  holder,
  term: TERM,
  attempt: 1,
  startedAt: CREATED_AT + startMs,
  ...(outcome === undefined ? {} : { outcome }),
})
const task = (attempts: TaskState['attempts'], more: Partial<TaskSpec> = {}): TaskState => ({
  ...emptyState(TASK),
  task: { author: bob.peerId, createdAt: CREATED_AT, spec: { ...spec, ...more }, hlc: 1 },
  attempts,
})
const context = { wallMs: CREATED_AT + 60_000, termEnded: () => false, isBlocked: () => false }

const three = [run(11, 50, ended('failed', 400)), run(12, 0, ended('succeeded', 500)), run(13, 100, ended('succeeded', 700))]

test.each([
  [undefined, 11],
  ['first', 11],
  ['newest', 13],
  ['original', 12],
  ['longest', 13],
] as const)('of three ends %s accepts the one of run %i', (reconcile, epoch) => {
  expect(provisionalEnd(task(three, reconcile === undefined ? {} : { reconcile }))?.epoch).toBe(epoch)
})

test('a loss is no end, nor is the end of another attempt, nor anything of an exclusive or settled task', () => {
  expect(provisionalEnd(task([run(11, 0, ended('lost', 5)), { ...run(12, 0, ended('failed', 5)), attempt: 2 }]))).toBeUndefined()
  expect(provisionalEnd(task(three, { claim: 'exclusive' }))).toBeUndefined()
  const settled = task(three)
  settled.value = { ...settled.value, version: 1, state: 'settled', end: 'succeeded' }
  expect(provisionalEnd(settled)).toBeUndefined()
})

test('users see it running while a run lives, ended provisionally when one has ended, and ready when all are lost', () => {
  expect(stateName(task([run(11, 0)]), context)).toBe('running')
  expect(liveRuns(task([run(11, 0)]), () => true)).toEqual([])
  expect(stateName(task([run(11, 0)]), { ...context, termEnded: () => true })).toBe('ready')
  expect(stateName(task([run(11, 0), run(12, 1, ended('succeeded', 9), bob.peerId)]), context)).toBe('succeeded')
  expect(stateName(task([run(11, 0, ended('failed', 9))], { attempts: 2 }), context)).toBe('scheduled')
  expect(stateName(task([run(11, 0, ended('failed', 9))]), context)).toBe('failed')
})

test('an end is settled once, and only for the attempt that it belongs to', () => {
  const chosen = provisionalEnd(task(three, { reconcile: 'newest' }))!
  const settle = settleFree(chosen, spec, 0.5)
  const free = emptyState(TASK).value
  expect(settle(free)).toMatchObject({ version: 1, epoch: 13, state: 'settled', end: 'succeeded', holder: alice.peerId })
  expect(settle({ ...free, version: 1, attempt: 2 })).toEqual({ refused: 'late' })
  expect(settle({ ...free, version: 1, state: 'settled', end: 'cancelled' })).toEqual({ refused: 'done' })
  const failed = settleFree({ ...chosen, outcome: ended('failed', 700) }, { ...spec, attempts: 2 }, 0.5)(free)
  expect(failed).toMatchObject({ state: 'free', attempt: 2, epoch: 13 })
})
