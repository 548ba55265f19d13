// The supervisor on a virtual clock: what takes over and when, what is started again and how often, what stays.
import { expect, test } from 'vitest'
import type { ServiceOrder, ServiceReport } from '../../../../node/services/mailbox.ts'
import type { Door } from '../../../../node/services/supervise/door.ts'
import type { InstanceEnd } from '../../../../node/services/supervise/supervisor.ts'
import { createSupervisor } from '../../../../node/services/supervise/supervisor.ts'
import { createVirtualClock } from '../../../support/virtual-clock.ts'

type Process = { revision: number; port: number; healthy: boolean; asked: boolean; end(end: InstanceEnd): void; isOver: boolean }

function orderOf(revision: number, over: Partial<ServiceOrder> = {}): ServiceOrder {
  return {
    revision,
    launch: 0,
    argv: ['app'],
    cwd: '/',
    env: {},
    handOn: [],
    protocol: 'http',
    health: '/',
    healthTimeoutMs: 10_000,
    drainMs: 5_000,
    restart: 'always',
    host: '127.0.0.1',
    ...over,
  }
}

function stage() {
  const clock = createVirtualClock()
  const processes: Process[] = []
  const reports: ServiceReport[] = []
  const led: (number | undefined)[] = []
  /** Settled by the test: the answers of the one before are out. */
  let finished = Promise.withResolvers<void>()
  const door: Door = {
    host: '127.0.0.1',
    port: 80,
    fits: () => true,
    lead(port) {
      led.push(port)
      finished = Promise.withResolvers()
      return finished.promise
    },
    close: async () => {},
  }
  let port = 1000
  const supervisor = createSupervisor({
    clock,
    say() {},
    tell: (report) => reports.push(structuredClone(report)),
    openDoor: async () => door,
    probe: async (_order, at) => (processes.find((one) => one.port === at)?.healthy === true ? undefined : 'not yet'),
    freePort: async () => ++port,
    build: async () => {},
    async launch(order, at) {
      const { promise, resolve } = Promise.withResolvers<InstanceEnd>()
      const one: Process = { revision: order.revision, port: at, healthy: false, asked: false, isOver: false, end: resolve }
      void promise.then(() => (one.isOver = true))
      processes.push(one)
      return {
        ended: promise,
        async end() {
          one.asked = true
          resolve({ signal: 'SIGTERM' })
          await promise
        },
      }
    },
  })
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    supervisor,
    processes,
    led,
    newest: () => reports.at(-1),
    states: () => reports.map(({ state }) => state),
    finishAnswers: () => finished.resolve(),
    settle,
    /** In small steps, so that what a timer sets in motion comes to its end before the next one. */
    async pass(ms: number) {
      await settle()
      for (let left = ms; left > 0; left -= 50) {
        clock.advance(Math.min(50, left))
        await settle()
      }
    },
  }
}

test('the next revision is live once it is healthy, and the one before ends when its answers are out', async () => {
  const { supervisor, processes, led, newest, pass, finishAnswers } = stage()
  supervisor.order(orderOf(1))
  await pass(1_000)
  expect(newest()).toMatchObject({ state: 'starting' })
  processes[0]!.healthy = true
  await pass(300)
  expect(newest()).toMatchObject({ state: 'running', revision: 1, port: 80 })
  supervisor.order(orderOf(2))
  await pass(3_000)
  expect(newest(), 'not before it is healthy').toMatchObject({ state: 'updating', revision: 1 })
  expect(led).toEqual([processes[0]!.port])
  processes[1]!.healthy = true
  await pass(300)
  expect(newest()).toMatchObject({ state: 'running', revision: 2 })
  expect(led).toEqual([processes[0]!.port, processes[1]!.port])
  expect(processes[0]!.asked, 'it still answers').toBe(false)
  finishAnswers()
  await pass(100)
  expect(processes[0]!.isOver).toBe(true)
  expect(processes[1]!.isOver).toBe(false)
})

test('whose answers do not end is ended after the drain', async () => {
  const { supervisor, processes, pass } = stage()
  for (const revision of [1, 2]) {
    supervisor.order(orderOf(revision))
    await pass(200)
    processes[revision - 1]!.healthy = true
    await pass(300)
  }
  await pass(4_000)
  expect(processes[0]!.asked).toBe(false)
  await pass(1_500)
  expect(processes[0]!.isOver).toBe(true)
})

test.each([
  [
    'that ends before it is healthy',
    (one: Process) => one.end({ exitCode: 3 }),
    'its process ended with exit code 3 before it was healthy',
  ],
  ['that never gets healthy', () => {}, 'it was not healthy within 10000 ms: not yet'],
])('a revision %s leaves the one before where it is, and is not tried again', async (_, happens, reason) => {
  const { supervisor, processes, led, newest, pass } = stage()
  supervisor.order(orderOf(1))
  await pass(200)
  processes[0]!.healthy = true
  await pass(300)
  supervisor.order(orderOf(2))
  await pass(200)
  happens(processes[1]!)
  await pass(60_000)
  expect(newest()).toMatchObject({ state: 'running', revision: 1, failed: { revision: 2, launch: 0, reason } })
  expect(processes.map(({ isOver }) => isOver)).toEqual([false, true])
  expect(led).toHaveLength(1)
  supervisor.order(orderOf(2, { launch: 1 }))
  await pass(200)
  processes[2]!.healthy = true
  await pass(300)
  expect(newest()).toMatchObject({ state: 'running', revision: 2, launch: 1 })
  expect(newest()?.failed).toBeUndefined()
})

test('what ends is started again, ever more slowly, and called a crash loop; a new order is tried at once', async () => {
  const { supervisor, processes, newest, pass } = stage()
  supervisor.order(orderOf(1))
  const starts: number[] = []
  for (let second = 0; second < 300; second++) {
    await pass(1_000)
    starts.push(processes.length)
    for (const one of processes) {
      if (!one.isOver && one.healthy) one.end({ exitCode: 1 })
      one.healthy = true
    }
  }
  expect(newest()).toMatchObject({ state: expect.stringMatching(/crash-loop|running/) })
  // 0.25 + 0.5 + 1 + … + 60 + 60 seconds of pauses, and a second or two of life in between.
  expect(processes.length).toBeGreaterThan(8)
  expect(processes.length).toBeLessThan(15)
  supervisor.order(orderOf(2))
  await pass(1_000)
  expect(processes.at(-1)?.revision).toBe(2)
})

test('a process that does not answer any more is ended and started again', async () => {
  const { supervisor, processes, newest, pass } = stage()
  supervisor.order(orderOf(1))
  await pass(200)
  processes[0]!.healthy = true
  await pass(300)
  processes[0]!.healthy = false
  await pass(9_000)
  expect(processes[0]!.isOver, 'two looks are no proof').toBe(false)
  await pass(8_000)
  expect(processes[0]!.isOver).toBe(true)
  processes[1]!.healthy = true
  await pass(500)
  expect(newest()).toMatchObject({ state: 'running', restarts: 1 })
})

test.each([
  ['never', 1, 1],
  ['on-failure', 0, 1],
  ['on-failure', 1, 2],
  ['always', 0, 2],
] as const)('the policy %s after exit code %i starts %i in all', async (restart, exitCode, starts) => {
  const { supervisor, processes, pass } = stage()
  supervisor.order(orderOf(1, { restart }))
  await pass(200)
  processes[0]!.healthy = true
  await pass(300)
  processes[0]!.end({ exitCode })
  await pass(2_000)
  expect(processes).toHaveLength(starts)
  if (starts === 1) expect(await supervisor.over).toEqual({ exitCode })
})

test('a stop lets the live one finish, and starts nothing more', async () => {
  const { supervisor, processes, pass } = stage()
  supervisor.order(orderOf(1))
  await pass(200)
  processes[0]!.healthy = true
  await pass(300)
  supervisor.order(orderOf(2))
  await pass(200)
  const stopped = supervisor.stop()
  await pass(6_000)
  await stopped
  expect(processes.map(({ isOver }) => isOver)).toEqual([true, true])
  expect(await supervisor.over).toEqual({ exitCode: 0 })
})
