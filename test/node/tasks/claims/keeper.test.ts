// One seat: which ballots it takes, what it has on disk before it answers, and when it calls a term ended.
import { beforeEach, describe, expect, test } from 'vitest'
import type { RegisterKey, TaskId, Term } from '../../../../protocols/ids.ts'
import { lifeOf } from '../../../../protocols/ids.ts'
import type { Ballot, KeeperAnswer } from '../../../../protocols/streams.ts'
import type { Write } from '../../../../node/store/database.ts'
import type { Keeper } from '../../../../node/tasks/claims/keeper.ts'
import type { Register } from '../../../../node/tasks/claims/registers/register-book.ts'
import { createRegisterReader } from '../../../../node/tasks/claims/registers/register-book.ts'
import { createKeeper } from '../../../../node/tasks/claims/keeper.ts'
import { EXPIRY_MS, expiryMs, LEASE_MS, leaseLengthMs } from '../../../../node/tasks/claims/lease-times.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'
import { alice, bob, LONG_TERM, registerValues, TASK, TERM } from '../../../protocols/samples.ts'

const held = registerValues['held']!
const settled = registerValues['settled']!
const A = alice.peerId
const B = bob.peerId
const OTHER = TASK.replace(/.$/, '0') as TaskId

let clock = createVirtualClock()
let disk = new Map<string, Uint8Array>()
let waiting: (() => void)[] = []
/** Tasks whose last value the log of this seat holds. */
let last = new Set<RegisterKey>()

function seat(stored: { registers?: Map<TaskId, Register>; ended?: Set<string> } = {}): Keeper {
  const persist = (writes: readonly Write[], done: () => void): void => {
    waiting.push(() => {
      for (const write of writes) if ('put' in write) disk.set(write.put, write.value)
      done()
    })
  }
  const taskOf = (id: TaskId) => (id === TASK ? { preferred: A } : undefined)
  return createKeeper(
    { clock, persist, taskOf, settledOf: (id) => (last.has(id) ? settled : undefined) },
    { registers: stored.registers ?? new Map(), ended: stored.ended ?? new Set() },
  )
}
function sync(): void {
  for (const run of waiting.splice(0)) run()
}
function ask(keeper: Keeper, kind: 'prepare' | 'accept', ballot: Ballot, task = TASK): KeeperAnswer | undefined {
  let got: KeeperAnswer | undefined
  const answer = (items: KeeperAnswer[]): void => void (got = items[0])
  if (kind === 'prepare') keeper.prepare([{ task, ballot }], answer)
  else keeper.accept([{ task, ballot, value: held }], answer)
  sync()
  return got
}
function end(keeper: Keeper, proven = false): { ok: boolean; remainingMs?: number } | undefined {
  let got: { ok: boolean; remainingMs?: number } | undefined
  keeper.end(B, TERM, proven, (ok, remainingMs) => void (got = { ok, ...(remainingMs === undefined ? {} : { remainingMs }) }))
  sync()
  return got
}

beforeEach(() => {
  clock = createVirtualClock()
  disk = new Map()
  waiting = []
  last = new Set()
})

describe('ballots', () => {
  test('a promise is given to higher ballots only, and round zero is never prepared', () => {
    const keeper = seat()
    expect(ask(keeper, 'prepare', [0, B])).toMatchObject({ ok: false })
    expect(ask(keeper, 'prepare', [2, A])).toEqual({ task: TASK, ok: true })
    expect(ask(keeper, 'prepare', [2, A])).toEqual({ task: TASK, ok: false, promised: [2, A] })
    expect(ask(keeper, 'prepare', [1, B])).toMatchObject({ ok: false, promised: [2, A] })
    expect(ask(keeper, 'prepare', [3, B])).toMatchObject({ ok: true })
    expect(ask(keeper, 'accept', [2, A])).toEqual({ task: TASK, ok: false, promised: [3, B] })
  })

  test('ballot zero belongs to the preferred node, once, and not after a promise', () => {
    const keeper = seat()
    expect(ask(keeper, 'accept', [0, B])).toMatchObject({ ok: false })
    expect(ask(keeper, 'accept', [0, A])).toEqual({ task: TASK, ok: true })
    expect(ask(keeper, 'accept', [0, A])).toMatchObject({ ok: false, promised: [1, A] })
    const promised = seat()
    ask(promised, 'prepare', [1, B])
    expect(ask(promised, 'accept', [0, A])).toMatchObject({ ok: false, promised: [1, B] })
  })

  test('an accept promises the same node its next round, and a later promise tells the accepted value', () => {
    const keeper = seat()
    // Of one round the ballot of alice is the higher one: her ID sorts after bob's.
    ask(keeper, 'prepare', [5, A])
    expect(ask(keeper, 'accept', [5, A])).toEqual({ task: TASK, ok: true })
    expect(ask(keeper, 'prepare', [6, B])).toMatchObject({ ok: false, promised: [6, A] })
    expect(ask(keeper, 'accept', [6, A])).toEqual({ task: TASK, ok: true })
    expect(ask(keeper, 'prepare', [9, B])).toEqual({ task: TASK, ok: true, accepted: { ballot: [6, A], value: held } })
  })

  test('a task that has not arrived is answered as unknown and leaves no trace', () => {
    const keeper = seat()
    expect(ask(keeper, 'prepare', [1, A], OTHER)).toEqual({ task: OTHER, ok: false, unknown: true })
    expect(ask(keeper, 'accept', [1, A], OTHER)).toEqual({ task: OTHER, ok: false, unknown: true })
    expect([disk.size, keeper.registers('', 10)]).toEqual([0, []])
  })

  test('it answers only what is on its disk', () => {
    const keeper = seat()
    const answers: KeeperAnswer[][] = []
    keeper.accept([{ task: TASK, ballot: [1, A], value: held }], (items) => answers.push(items))
    expect(answers).toEqual([])
    sync()
    expect(answers).toEqual([[{ task: TASK, ok: true }]])
    const reader = createRegisterReader()
    for (const [key, value] of disk) reader.take(key, value)
    expect(reader.stored.registers.get(TASK)).toEqual({ promised: [2, A], accepted: { ballot: [1, A], value: held } })
  })
})

test('once the log holds the last value of a task, its register goes and every question is answered with that value', () => {
  const keeper = seat()
  ask(keeper, 'accept', [0, A])
  last.add(TASK)
  keeper.settled([TASK])
  expect(keeper.registers('', 10)).toEqual([])
  expect(ask(keeper, 'prepare', [9, B])).toEqual({ task: TASK, ok: false, settled })
  expect(ask(keeper, 'accept', [0, A])).toEqual({ task: TASK, ok: false, settled })
  const adopted: string[] = []
  keeper.adopt([{ task: TASK, register: { promised: [4, B] } }], [], () => adopted.push('done'))
  expect(adopted).toEqual(['done'])
  expect(keeper.registers('', 10), 'what an old seat still kept of it is not taken').toEqual([])
})

describe('terms', () => {
  test('a term ends when its last renewal is over by the clock of this seat, and is refused from then on', () => {
    const keeper = seat()
    clock.advance(10_000)
    expect(keeper.renew(B, TERM)).toBe(true)
    clock.advance(EXPIRY_MS - 1)
    expect(end(keeper)).toEqual({ ok: false, remainingMs: expect.closeTo(1, 3) })
    clock.advance(1)
    expect(end(keeper)).toEqual({ ok: true })
    expect(disk.has(`e/${B}/${TERM}`)).toBe(true)
    expect(keeper.renew(B, TERM)).toBe(false)
    expect(keeper.renew(B, '9.2' as Term)).toBe(true)
  })

  test('a term that nobody here has heard of counts from first sight, and so does everything after a restart', () => {
    const keeper = seat()
    clock.advance(60_000)
    expect(end(keeper)).toEqual({ ok: false, remainingMs: EXPIRY_MS })
    clock.advance(EXPIRY_MS)
    expect(end(keeper)).toEqual({ ok: true })
    expect(seat().remainingMs(B, TERM)).toBe(EXPIRY_MS)
  })

  test('the word of the node itself ends its term at once', () => {
    const keeper = seat()
    keeper.renew(B, TERM)
    expect(end(keeper, true)).toEqual({ ok: true })
    expect(keeper.renew(B, TERM)).toBe(false)
  })

  test('an ended term that was read from other seats is refused, but proves no expired lease', () => {
    const keeper = seat()
    keeper.renew(B, TERM)
    clock.advance(1_000)
    keeper.adopt([], [[B, TERM]], () => {})
    keeper.seated()
    sync()
    expect(keeper.renew(B, TERM)).toBe(false)
    expect(end(keeper)).toEqual({ ok: false, remainingMs: EXPIRY_MS })
    clock.advance(EXPIRY_MS)
    expect(end(keeper)).toEqual({ ok: true })
  })

  test('a verdict of before a restart or of an earlier seat does not count again at once', () => {
    const restarted = seat({ ended: new Set([`${B}/${TERM}`]) })
    expect(restarted.renew(B, TERM)).toBe(false)
    expect(end(restarted)).toMatchObject({ ok: false })
    clock.advance(EXPIRY_MS)
    expect(end(restarted)).toEqual({ ok: true })
    restarted.seated()
    expect(end(restarted)).toMatchObject({ ok: false })
  })
})

describe('long terms and lives', () => {
  test('a term whose name carries a length is waited for so long, by 1.1, and never less than the usual one', () => {
    const keeper = seat()
    keeper.renew(B, LONG_TERM)
    clock.advance(65_999)
    expect(keeper.remainingMs(B, LONG_TERM)).toBeCloseTo(1, 3)
    expect(expiryMs('7.1~5' as Term)).toBe(EXPIRY_MS)
    expect(leaseLengthMs({ lostAfterMs: 300 })).toBe(LEASE_MS)
    expect(leaseLengthMs({ lostAfterMs: 90_000 })).toBe(90_000)
    expect(leaseLengthMs(undefined)).toBe(LEASE_MS)
  })

  test('a life that its node ended takes all its terms with it, and is never ended by a clock', () => {
    const keeper = seat()
    const life = lifeOf(LONG_TERM)
    expect(life).toBe(lifeOf(TERM))
    const answers: unknown[] = []
    keeper.end(B, life, false, (...answer) => answers.push(answer))
    clock.advance(EXPIRY_MS * 1_000)
    keeper.end(B, life, false, (...answer) => answers.push(answer))
    expect(answers).toEqual([
      [false, undefined],
      [false, undefined],
    ])
    expect(keeper.renew(B, LONG_TERM)).toBe(true)
    keeper.end(B, life, true, () => {})
    expect(keeper.remainingMs(B, LONG_TERM)).toBe(0)
    expect(keeper.renew(B, LONG_TERM)).toBe(false)
    expect(keeper.renew(B, TERM)).toBe(false)
    expect(keeper.renew(B, '9.1' as Term)).toBe(true)
  })
})

test('what a new seat adopts is merged by the higher ballot and given on in pages', () => {
  const mine: Register = { promised: [9, A], accepted: { ballot: [2, A], value: held } }
  const keeper = seat({ registers: new Map([[TASK, mine]]) })
  const newer: Register = { promised: [4, B], accepted: { ballot: [3, B], value: { ...held, version: 2 } } }
  let done = false
  keeper.adopt(
    [
      { task: TASK, register: newer },
      { task: OTHER, register: newer },
    ],
    [],
    () => (done = true),
  )
  expect(done).toBe(false)
  sync()
  expect(done).toBe(true)
  const first = keeper.registers('', 1)
  expect(first).toHaveLength(1)
  expect(Object.fromEntries([...first, ...keeper.registers(first[0]!.task, 9)].map(({ task, register }) => [task, register]))).toEqual({
    [TASK]: { promised: [9, A], accepted: newer.accepted },
    [OTHER]: newer,
  })
})
