// How a page outlives its node: when it goes, where to, and when it stays.
import { signal } from '@preact/signals'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Passage, arrive, createPassage } from '../../../web/src/models/page/passage.ts'
import { ApiError } from '../../../web/src/transport/api-error.ts'
import type { StreamState } from '../../../web/src/transport/transport.ts'

const GONE = new ApiError({ code: 'unreachable', detail: 'did not reach the node', status: 0 })
const passTo = (name: string, lifeMs = 180_000) => ({
  worker: name,
  workerName: name,
  url: `http://${name}:1/sign-in?pass=p-${name}`,
  lifeMs,
})

let passage: Passage
let left: string[]
let state: { alive: () => Promise<void>; busy: boolean; passes: ReturnType<typeof passTo>[]; down: string[] }
const stream = signal<StreamState>({ kind: 'connecting' })
const lose = () => {
  stream.value = { kind: 'reconnecting', since: Date.now(), retryAt: Date.now() + 250, reason: 'gone' }
}

beforeEach(() => {
  vi.useFakeTimers()
  left = []
  state = { alive: () => Promise.reject(GONE), busy: false, passes: [passTo('cedar'), passTo('maple')], down: [] }
  stream.value = { kind: 'connecting' }
  passage = createPassage({
    passes: () => Promise.resolve(state.passes),
    alive: () => state.alive(),
    stream,
    workers: signal('cedar,maple'),
    isAlive: (worker) => !state.down.includes(worker),
    cursor: () => 'cursor/7',
    place: () => '/tasks?q=a b',
    isBusy: () => state.busy,
    leave: (url) => left.push(url),
  })
  stream.value = { kind: 'live', since: Date.now() }
})
afterEach(() => {
  passage.stop()
  vi.useRealTimers()
})

test('a node that is gone for a second is left for one that was last seen alive, at the same place and cursor', async () => {
  await vi.advanceTimersByTimeAsync(1_000)
  state.down = ['cedar']
  lose()
  await vi.advanceTimersByTimeAsync(1_500)
  expect(left).toHaveLength(1)
  const url = new URL(left[0] ?? '')
  expect(`${url.origin}${url.pathname}`).toBe('http://maple:1/sign-in')
  expect(Object.fromEntries(url.searchParams)).toEqual({ pass: 'p-maple', next: '/tasks?q=a b', since: 'cursor/7' })
})

test('a page stays where its node answers, is back, or no pass is left', async () => {
  await vi.advanceTimersByTimeAsync(1_000)
  state.alive = () => Promise.resolve()
  lose()
  await vi.advanceTimersByTimeAsync(3_000)
  stream.value = { kind: 'live', since: Date.now() }
  state.alive = () => Promise.reject(GONE)
  state.passes = [passTo('cedar', 1_000)]
  await vi.advanceTimersByTimeAsync(70_000)
  lose()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(left).toEqual([])
})

test('whoever is filling in a dialog is asked, not moved', async () => {
  await vi.advanceTimersByTimeAsync(1_000)
  state.busy = true
  lose()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(left).toEqual([])
  expect(passage.offered.value?.name).toBe('cedar')
  passage.offered.value?.go()
  expect(left).toHaveLength(1)
})

test.each([
  ['/sign-in?pass=p&next=%2Ftasks%3Fq%3Da&since=c', '/tasks?q=a', 'c'],
  ['/sign-in?pass=p&next=%2F%2Fevil.test&since=c', '/', 'c'],
  ['/sign-in?pass=p&next=%2F%5Cevil.test&since=', '/', ''],
  ['/tasks?since=c&next=%2Fworkers', '/tasks?since=c&next=%2Fworkers', ''],
])('the address %s becomes %s', (from, to, since) => {
  history.replaceState(null, '', from)
  expect(arrive(window).since).toBe(since)
  expect(location.pathname + location.search).toBe(to)
})
