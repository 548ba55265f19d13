// until is what every other test waits with, so its own promises are tested first.
import { expect, test } from 'vitest'
import { until } from './until.ts'

test('until resolves with the first truthy value', async () => {
  let calls = 0
  await expect(until(() => (++calls === 3 ? 'ready' : undefined), { intervalMs: 1 })).resolves.toBe('ready')
  expect(calls).toBe(3)
})

test('until names what it waited for, and the last value, when the deadline passes', async () => {
  const waiting = until(() => 0, { what: 'the third peer', timeoutMs: 30, intervalMs: 1 })
  await expect(waiting).rejects.toThrow(/^waited 30 ms for the third peer, \d+ attempts; the last value was 0$/)
})

test('until treats a throwing condition as not yet true and keeps its error as the cause', async () => {
  const refused = new Error('connection refused')
  const waiting = until(() => Promise.reject(refused), { what: 'the port', timeoutMs: 30, intervalMs: 1 })
  await expect(waiting).rejects.toMatchObject({ cause: refused })
})

test('until cuts off a condition that never settles', async () => {
  const waiting = until(() => new Promise<boolean>(() => undefined), { what: 'a stuck call', timeoutMs: 30 })
  await expect(waiting).rejects.toThrow('waited 30 ms for a stuck call, 1 attempts; the last value was undefined')
})
