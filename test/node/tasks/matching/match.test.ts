// The pure decisions about a task: who may run it, what each mismatch says, and what each change makes of its register.
import { expect, test } from 'vitest'
import type { Term } from '../../../../protocols/ids.ts'
import type { RegisterValue, TaskSpec } from '../../../../protocols/records.ts'
import { emptyState } from '../../../../node/tasks/fold/task-state.ts'
import type { TaskState } from '../../../../node/tasks/fold/fold.ts'
import type { Offer } from '../../../../node/tasks/matching/match.ts'
import { mismatch, rank } from '../../../../node/tasks/matching/match.ts'
import { cancelFree, claim, conclude, stateName } from '../../../../node/tasks/fold/transitions.ts'
import type { Need } from '../../../../node/tasks/view/waiting-graph.ts'
import { waitingFor } from '../../../../node/tasks/view/waiting.ts'
import { alice, bob, CREATED_AT, registerValues, TASK, TERM } from '../../../protocols/samples.ts'

const spec: TaskSpec = { kind: 'shell', argv: ['true'], priority: 0, attempts: 1 }
const author = { peer: alice.peerId, name: 'alice' }
const offer: Offer = {
  node: bob.peerId,
  name: 'bob',
  alive: true,
  draining: false,
  mayRun: true,
  roles: ['builder'],
  skills: ['node'],
  labels: { os: 'linux' },
  pool: 'fast',
  accept: [],
  slots: 2,
  freeSlots: 2,
}

test.each<[string, Partial<TaskSpec>, Partial<Offer>, string, string]>([
  ['other-worker', { worker: 'carol' }, {}, 'the task names worker carol', 'start worker carol, or publish without --worker'],
  ['skill', { skills: ['node', 'rust'] }, {}, 'no skill rust', 'start a worker with --skill rust'],
  ['role', { roles: ['tester'] }, {}, 'no role tester', 'start a worker with --role tester'],
  ['pool', { pool: 'slow' }, {}, 'not in pool slow', 'start a worker with --pool slow'],
  ['label', { labels: { os: 'mac' } }, {}, 'no label os=mac', 'start a worker with --label os=mac'],
  ['viewer', {}, { mayRun: false }, 'a viewer runs nothing', 'invite the machine again with --role member'],
  ['accept', {}, { accept: ['kind=build'] }, 'its own rule --accept kind=… refuses it', 'start that worker with another --accept rule'],
  ['draining', {}, { draining: true }, 'it is draining', 'nimbus worker resume bob'],
  ['offline', {}, { alive: false }, 'it is offline', 'start it again'],
])('a worker that does not fit says %s, why and the cure', (code, need, has, message, cure) => {
  expect(mismatch({ ...spec, ...need }, author, { ...offer, ...has })).toEqual({ code, message, cure })
})

test('a worker that fits in everything says nothing, by name or by peer ID', () => {
  const full = { ...spec, skills: ['node'], roles: ['builder'], pool: 'fast', labels: { os: 'linux' } }
  expect(mismatch({ ...full, worker: 'bob' }, author, offer)).toBeUndefined()
  expect(mismatch({ ...full, worker: bob.peerId }, author, offer)).toBeUndefined()
})

test.each<[readonly string[], Partial<TaskSpec>, boolean]>([
  [['kind=build', 'kind=shell'], {}, true],
  [['publisher=alice'], {}, true],
  [['publisher=bob', `publisher=${alice.peerId}`], {}, true],
  [['publisher=bob'], {}, false],
  [['kind=shell', 'publisher=bob'], {}, false],
  // The tick of a schedule is its author's work as well, whoever wrote it.
  [['publisher=alice'], { schedule: { id: 'nightly', at: 1, author: bob.peerId, authorName: 'bob' } }, false],
  [['publisher=alice', 'publisher=bob'], { schedule: { id: 'nightly', at: 1, author: bob.peerId, authorName: 'bob' } }, true],
  [['publisher=alice'], { schedule: { id: 'nightly', at: 1, author: alice.peerId, authorName: 'alice' } }, true],
  [['repo=https://git.example/'], { repo: 'https://git.example/a.git' }, true],
  [['repo=https://git.example/'], { repo: 'https://other.example/a.git' }, false],
  [['repo=https://git.example/'], {}, false],
])('rules %j: alternatives of one key, all keys together', (accept, need, holds) => {
  expect(mismatch({ ...spec, ...need }, author, { ...offer, accept }) === undefined).toBe(holds)
})

test('every node orders the same workers alike, full ones are left out, and free slots weigh', () => {
  const offers = ['a', 'b', 'c'].map(
    (name, i): Offer => ({ ...offer, name, node: `${name}-peer` as Offer['node'], freeSlots: [1, 9, 0][i]! }),
  )
  const order = rank(TASK, offers)
  expect(rank(TASK, [...offers].reverse())).toEqual(order)
  expect(order).not.toContain('c-peer')
  const firsts = Array.from({ length: 500 }, (_, i) => rank(`${TASK.slice(0, 22)}${String(i).padStart(4, '0')}` as typeof TASK, offers)[0])
  const share = firsts.filter((node) => node === 'b-peer').length / firsts.length
  expect(share).toBeGreaterThan(0.8)
  expect(share).toBeLessThan(0.98)
})

const initial = registerValues['initial']!
const held = registerValues['held']!
const settled: RegisterValue = { version: 9, epoch: 1, state: 'settled', end: 'succeeded', attempt: 1 }
const claimer = (ended: boolean, node = alice.peerId) => ({ node, term: '2.1' as Term, wallMs: CREATED_AT, termEnded: () => ended })
const success = { result: 'succeeded' as const, exitCode: 0, endedAt: CREATED_AT }
const failure = { result: 'failed' as const, exitCode: 1, endedAt: CREATED_AT }
const loss = { result: 'lost' as const, endedAt: CREATED_AT }

test('a claim takes what is free and due, or what an ended term held, and counts the epoch up', () => {
  expect(claim(claimer(false))(initial)).toMatchObject({ version: 1, epoch: 1, state: 'held', holder: alice.peerId, attempt: 1 })
  expect(claim(claimer(false))({ ...initial, notBefore: CREATED_AT + 1 })).toEqual({ refused: 'early' })
  expect(claim(claimer(false))(held)).toEqual({ refused: 'held' })
  expect(claim(claimer(true))(held)).toMatchObject({ version: 2, epoch: 2, holder: alice.peerId, attempt: 1, outcome: loss })
  expect(claim(claimer(true))(settled)).toEqual({ refused: 'settled' })
  expect(claim({ ...claimer(false, bob.peerId), term: TERM })(held)).toEqual({ refused: 'mine' })
})

test('the end of an epoch settles the task, frees it for the next attempt, or is refused', () => {
  expect(conclude(1, success, { attempts: 1 }, 0)(held)).toMatchObject({ version: 2, epoch: 1, state: 'settled', end: 'succeeded' })
  expect(conclude(1, failure, { attempts: 1 }, 0)(held)).toMatchObject({ state: 'settled', end: 'failed' })
  expect(conclude(1, failure, { attempts: 3 }, 1)(held)).toMatchObject({ state: 'free', attempt: 2, notBefore: CREATED_AT + 1_000 })
  expect(conclude(1, failure, { attempts: 3 }, 1)({ ...held, attempt: 3 })).toMatchObject({ state: 'settled', end: 'dead' })
  expect(conclude(1, loss, { attempts: 1 }, 0)(held)).toMatchObject({ state: 'free', attempt: 1 })
  expect(conclude(1, { ...failure, result: 'cancelled' }, { attempts: 3 }, 0)(held)).toMatchObject({ state: 'settled', end: 'cancelled' })
  expect(conclude(1, success, { attempts: 1 }, 0)({ ...held, epoch: 2 })).toEqual({ refused: 'fenced' })
  expect(conclude(1, success, { attempts: 1 }, 0)(settled)).toEqual({ refused: 'done' })
})

test('a cancel ends what nobody runs, and leaves alone what somebody does', () => {
  expect(cancelFree(claimer(false))(initial)).toEqual({
    version: 1,
    epoch: 0,
    state: 'settled',
    end: 'cancelled',
    attempt: 1,
    outcome: { result: 'cancelled', endedAt: CREATED_AT, unrun: true },
  })
  expect(cancelFree(claimer(false))(held)).toEqual({ refused: 'held' })
  expect(cancelFree(claimer(true))(held)).toMatchObject({ state: 'settled', end: 'cancelled', epoch: 1 })
  expect(cancelFree(claimer(true))(settled)).toEqual({ refused: 'settled' })
})

const state = (value: RegisterValue, more: Partial<TaskSpec> = {}): TaskState => ({
  ...emptyState(TASK),
  value,
  task: { author: alice.peerId, createdAt: CREATED_AT, spec: { ...spec, ...more }, hlc: 1 },
})

const seen = { wallMs: CREATED_AT, termEnded: () => false, isBlocked: () => false }

test('each register value has one name for people', () => {
  const dead: RegisterValue = { ...settled, end: 'dead' }
  expect([state(initial), state(held), state(settled), state(dead)].map((one) => stateName(one, seen))).toEqual([
    'ready',
    'running',
    'succeeded',
    'dead',
  ])
  expect(stateName(state(initial, { notBefore: CREATED_AT + 1 }), seen)).toBe('scheduled')
  expect(stateName(state(held), { ...seen, termEnded: () => true }), 'its term has ended').toBe('ready')
})

test('a waiting task says why, from the keepers down to the busy slots', () => {
  const context = {
    wallMs: CREATED_AT,
    offers: [offer],
    nameOf: () => 'alice',
    seats: { all: 3, reachable: 2, majority: 2 },
    needs: (): readonly Need[] => [],
    isPaused: () => false,
    gate: () => undefined,
    deadline: (): number | undefined => undefined,
  }
  const why = (more: Partial<TaskSpec>, over: Partial<typeof context> = {}) => {
    const waiting = waitingFor(state(initial, more), { ...context, ...over })
    return waiting === undefined ? undefined : `${waiting.code}: ${waiting.message} (${waiting.cure})`
  }
  expect(why({}, { seats: { all: 3, reachable: 1, majority: 2 } })).toBe(
    'minority: this side reaches 1 of 3 keepers and needs 2: it may not claim (bring the other machines back, or ask a node on their side; if they are gone for good: nimbus group recover)',
  )
  expect(why({ notBefore: CREATED_AT + 60_000 })).toMatch(/^scheduled: it was published with a delay; it may start at 2025-11-24T/)
  expect(why({}, { offers: [] })).toBe('no-worker: the mesh has no worker (start one with nimbus up)')
  expect(why({ skills: ['rust'] })).toBe('skill: no worker fits; the nearest is bob: no skill rust (start a worker with --skill rust)')
  expect(why({ worker: 'carol' })).toMatch(/^other-worker: the task names worker carol, which is not here/)
  expect(why({}, { offers: [{ ...offer, freeSlots: 0 }] })).toMatch(/^slots: all 2 slots of bob are busy/)
  expect(why({ pool: 'fast' }, { isPaused: () => true })).toBe('pool-paused: pool fast is paused (nimbus pool resume fast)')
  expect(why({}, { deadline: () => CREATED_AT })).toMatch(/^claiming: .*; its queue time-out is at 2025-11-24T/)
  expect(why({}, { needs: () => [{ id: TASK, name: 'build', state: 'running', broken: false }] })).toBe(
    `blocked: it waits for 1 of 0 tasks to succeed: ${TASK} (build) is running (nothing to do while that runs)`,
  )
  expect(why({}, { needs: () => [{ id: TASK, state: 'dead', broken: true }] })).toMatch(/^after-failed: task .* is dead: it never runs/)
  expect(why({})).toBe('claiming: a worker is about to claim it (nothing to do)')
})
