// The holder's side: which terms are renewed together, when their work may run, and when the holder lets go.
import { beforeEach, expect, test } from 'vitest'
import type { PeerId, Term } from '../../../../protocols/ids.ts'
import type { LinkMessage, LinkMessageOf } from '../../../../protocols/streams.ts'
import type { Lease } from '../../../../node/tasks/claims/lease.ts'
import { createLease } from '../../../../node/tasks/claims/lease.ts'
import { LEASE_MS, RENEW_MS } from '../../../../node/tasks/claims/lease-times.ts'
import type { Question } from '../../../../node/tasks/claims/quorum.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'

const SEATS = ['a', 'b', 'c'] as PeerId[]
const EPOCH = 5

let clock = createVirtualClock()
let needed = new Set<Term>()
let questions: Question[] = []
let valid: [Term, number][] = []
let over: Term[] = []
let lease: Lease

beforeEach(() => {
  clock = createVirtualClock()
  needed = new Set()
  questions = []
  valid = []
  over = []
  lease = createLease({
    self: SEATS[0]!,
    epoch: EPOCH,
    clock,
    quorum: { ask: (question) => (questions.push(question), () => {}), onAnswer: () => false },
    config: () => ({ version: 1, seats: SEATS }),
    onStale() {},
    needed: () => needed,
    onValid: (term, untilMs) => valid.push([term, untilMs]),
    onEnded: (term) => over.push(term),
  })
})

function lastMessage(): LinkMessageOf<'renew'> {
  const message: LinkMessage | undefined = questions.at(-1)?.message(1)
  if (message?.t !== 'renew') throw new Error('nothing was renewed')
  return message
}
function answer(seats: string, more: { ok?: boolean; ended?: Term[] } = {}): void {
  for (const seat of seats) {
    questions.at(-1)?.answer(seat as PeerId, { t: 'renewed', id: 1, term: lastMessage().term, ok: more.ok ?? true, ...more })
  }
}

test('an idle node renews nothing; terms of several lengths go in one message', () => {
  lease.wake()
  expect(questions).toEqual([])
  const [usual, long] = [lease.term(), lease.term(30_000)]
  expect([usual, long]).toEqual(['5.1', '5.2~30000'])
  needed = new Set([usual, long])
  lease.wake()
  expect(lastMessage()).toEqual({ t: 'renew', id: 1, version: 1, term: usual, also: [long] })
  answer('ab')
  expect(valid).toEqual([
    [usual, clock.nowMs() + LEASE_MS],
    [long, clock.nowMs() + LEASE_MS],
  ])
})

test('a long lease whose two seconds ran out is the same term when a majority renews it again', () => {
  const long = lease.term(30_000)
  needed = new Set([long])
  lease.wake()
  answer('abc')
  clock.advance(LEASE_MS * 4)
  expect(lease.remainingMs(long)).toBeLessThan(0)
  // One seat has ended it by its own clock: that alone ends nothing.
  answer('a', { ended: [long] })
  expect(over).toEqual([])
  clock.advance(RENEW_MS)
  answer('bc')
  expect(lease.remainingMs(long)).toBe(LEASE_MS)
  expect(lease.term(30_000)).toBe(long)
})

test('a term that a majority can renew no more is let go at once, and its name never comes back', () => {
  const long = lease.term(30_000)
  needed = new Set([long])
  lease.wake()
  answer('abc')
  clock.advance(RENEW_MS)
  answer('ab', { ended: [long] })
  expect(over).toEqual([long])
  expect(lease.isCurrent(long)).toBe(false)
  expect(lease.term(30_000)).toBe('5.3~30000')
  expect(lease.term()).toBe('5.1')
})

test('a term that some seats ended and others renew is let go when its whole length is over', () => {
  const long = lease.term(10_000)
  needed = new Set([long])
  lease.wake()
  answer('abc')
  clock.advance(10_000)
  answer('a', { ended: [long] })
  expect(over).toEqual([long])
})

test('beyond the most lengths at once a task gets the usual term; a long one that lies idle is closed', () => {
  for (let i = 1; i < 32; i++) lease.term(10_000 + i)
  expect(lease.term(50_000)).toBe(lease.term())
  clock.advance(20_000)
  needed = new Set([lease.term()])
  lease.wake()
  expect(lease.terms()).toEqual([lease.term()])
  expect(lease.term(50_000)).toBe('5.33~50000')
})
