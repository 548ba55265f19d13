// Keeps one service running: starts what is ordered, lets nothing take over before it is healthy, moves the door to it, lets the one
// before finish what it answers, and starts again what ends. It decides; processes, sockets and time are ports.
import type { Cancel, Clock } from '../../kernel/clock.ts'
import { messageOf } from '../../kernel/errors.ts'
import type { ServiceOrder, ServiceReport } from '../mailbox.ts'
import type { Door } from './door.ts'
import { afterEnd, isLoop, isRestarted, NO_RESTARTS, pauseMs } from './restarts.ts'

export type InstanceEnd = { exitCode?: number; signal?: string }
/** A process of the service. */
export type Instance = {
  ended: Promise<InstanceEnd>
  /** Asks it to end, then ends it; settles when it is gone. */
  end(): Promise<void>
}
export type SupervisorComponents = {
  clock: Clock
  /** Builds where the order says so, once for each folder. @throws with the reason */
  build(order: ServiceOrder, signal: AbortSignal): Promise<void>
  freePort(): Promise<number>
  launch(order: ServiceOrder, port: number): Promise<Instance>
  /** Undefined where it answers as it should, or else why not. */
  probe(order: ServiceOrder, port: number): Promise<string | undefined>
  openDoor(order: ServiceOrder): Promise<Door>
  tell(report: ServiceReport): void
  say(line: string): void
}
export type Supervisor = {
  order(order: ServiceOrder): void
  /** Settles when nothing runs any more. */
  stop(): Promise<void>
  /** How the last process ended, where it is not to be started again, or where it was stopped. */
  over: Promise<InstanceEnd>
}

type Live = { order: ServiceOrder; instance: Instance; port: number; sinceMs: number; end?: InstanceEnd; sick: number }

const PROBE_MS = 150
const HEALTH_LOOK_MS = 5_000
/** Probes in a row that fail before a process is taken for dead. */
const SICK_MAX = 3

export function createSupervisor(components: SupervisorComponents): Supervisor {
  const { clock, say } = components
  const over = Promise.withResolvers<InstanceEnd>()
  const stopping = new AbortController()
  let wanted: ServiceOrder | undefined
  let live: Live | undefined
  let lastEnd: InstanceEnd | undefined
  let door: Door | undefined
  let restarts = NO_RESTARTS
  let report: ServiceReport = { state: 'preparing', since: clock.wallMs(), restarts: 0 }
  let wake = Promise.withResolvers<void>()
  const drains = new Set<Promise<void>>()

  const event = (): void => {
    wake.resolve()
    wake = Promise.withResolvers()
  }
  const tell = (change: Partial<ServiceReport>, ...gone: (keyof ServiceReport)[]): void => {
    report = { ...report, ...change, restarts: restarts.total }
    if (change.state !== undefined) report.since = clock.wallMs()
    for (const key of gone) delete report[key]
    components.tell(report)
  }
  const isRefused = ({ revision, launch }: ServiceOrder): boolean => report.failed?.revision === revision && report.failed.launch === launch

  /** Waits until something happens, or for so long. */
  const pause = async (ms: number): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel: Cancel = clock.after(ms, resolve)
    await Promise.race([promise, wake.promise])
    cancel()
  }
  const watch = (one: Live): void => {
    void one.instance.ended.then((end) => {
      one.end = end
      event()
    })
  }
  /** A process that answers, or why there is none. Ends early where something else is wanted meanwhile. */
  const bring = async (order: ServiceOrder): Promise<Live | { reason: string }> => {
    let one: Live | undefined
    try {
      await components.build(order, stopping.signal)
      const port = await components.freePort()
      one = { order, instance: await components.launch(order, port), port, sinceMs: clock.nowMs(), sick: 0 }
      watch(one)
      const deadline = clock.nowMs() + order.healthTimeoutMs
      for (let why: string | undefined = 'it was not asked yet'; ; await pause(PROBE_MS)) {
        if (one.end !== undefined) return { reason: `its process ended with ${wordsOf(one.end)} before it was healthy` }
        if (stopping.signal.aborted || wanted !== order) break
        why = await components.probe(order, port)
        if (why === undefined && one.end === undefined) return { ...one, sinceMs: clock.nowMs() }
        if (clock.nowMs() > deadline) {
          await one.instance.end()
          return { reason: `it was not healthy within ${order.healthTimeoutMs} ms: ${why ?? 'its process ended'}` }
        }
      }
      await one.instance.end()
      return { reason: 'something else was wanted' }
    } catch (error) {
      await one?.instance.end()
      return { reason: messageOf(error) }
    }
  }
  const openDoor = async (order: ServiceOrder): Promise<void> => {
    if (door !== undefined && door.fits(order)) return
    const before = door
    door = await components.openDoor(order)
    if (before !== undefined) drains.add(before.close(order.drainMs))
    tell({ host: door.host, port: door.port })
  }
  const drain = async (old: Live, finished: Promise<void>): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(old.order.drainMs, resolve)
    await Promise.race([finished, promise, old.instance.ended])
    cancel()
    await old.instance.end()
    say(`revision ${old.order.revision} ended`)
  }
  const takeOver = (next: Live): void => {
    const before = live
    live = next
    watch(next)
    const finished = door?.lead(next.port) ?? Promise.resolve()
    say(`revision ${next.order.revision} is live`)
    if (before !== undefined && before.end === undefined) {
      const drained = drain(before, finished).finally(() => drains.delete(drained))
      drains.add(drained)
    }
    const outlived = report.failed !== undefined && report.failed.revision <= next.order.revision
    tell({ state: 'running', revision: next.order.revision, launch: next.order.launch }, 'reason', ...(outlived ? ['failed' as const] : []))
  }
  const refuse = (order: ServiceOrder, reason: string): void => {
    say(`revision ${order.revision} is not taken: ${reason}`)
    const failed = { revision: order.revision, launch: order.launch, reason: reason.slice(0, 1000), at: clock.wallMs() }
    tell({ failed, ...(live === undefined ? { reason: reason.slice(0, 1000) } : { state: 'running' }) })
  }
  const ended = (one: Live, end: InstanceEnd): boolean => {
    live = undefined
    lastEnd = end
    void door?.lead(undefined)
    say(`revision ${one.order.revision} ended with ${wordsOf(end)}`)
    if (!isRestarted(one.order.restart, end.exitCode)) return false
    restarts = afterEnd(restarts, clock.nowMs() - one.sinceMs)
    tell({ state: isLoop(restarts) ? 'crash-loop' : 'waiting', reason: `its process ended with ${wordsOf(end)}` })
    return true
  }
  /** The first start, or one after an end: what fails is tried again, ever more slowly. */
  const start = async (order: ServiceOrder): Promise<void> => {
    tell({ state: isLoop(restarts) ? 'crash-loop' : 'starting' })
    const brought = await bring(order)
    if ('instance' in brought) return takeOver(brought)
    if (stopping.signal.aborted || wanted !== order) return
    restarts = afterEnd(restarts, 0)
    refuse(order, brought.reason)
    tell({ state: isLoop(restarts) ? 'crash-loop' : 'waiting' })
  }
  const replace = async (order: ServiceOrder): Promise<void> => {
    tell({ state: 'updating' })
    const brought = await bring(order)
    if ('instance' in brought) takeOver(brought)
    else if (stopping.signal.aborted || wanted !== order) tell({ state: 'running' })
    else refuse(order, brought.reason)
  }
  /** One look at what is and what is wanted. @returns false when there is nothing more to do for good */
  const step = async (): Promise<boolean> => {
    const order = wanted
    if (order === undefined) return pause(HEALTH_LOOK_MS).then(() => true)
    await openDoor(order)
    if (live?.end !== undefined && !ended(live, live.end)) return false
    if (live === undefined) {
      if (restarts.ends > 0) await pause(pauseMs(restarts))
      if (!stopping.signal.aborted && wanted === order) await start(order)
    } else if (isOther(order, live.order) && !isRefused(order)) await replace(order)
    else {
      await pause(HEALTH_LOOK_MS)
      if (live !== undefined && live.end === undefined) await check(live)
    }
    return true
  }
  const check = async (one: Live): Promise<void> => {
    const why = await components.probe(one.order, one.port)
    one.sick = why === undefined ? 0 : one.sick + 1
    if (one.sick < SICK_MAX || one.end !== undefined) return
    say(`revision ${one.order.revision} does not answer any more: ${why}`)
    await one.instance.end()
    tell({ reason: `it did not answer any more: ${why}` })
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        if (!(await step())) break
      } catch (error) {
        restarts = afterEnd(restarts, 0)
        tell({ state: isLoop(restarts) ? 'crash-loop' : 'waiting', reason: messageOf(error) })
        await pause(pauseMs(restarts))
      }
    }
    tell({ state: 'draining' })
    const last = live
    const closed = door?.close(last?.order.drainMs ?? 0) ?? Promise.resolve()
    if (last !== undefined) await drain(last, closed)
    await Promise.all([closed, ...drains])
    over.resolve(stopping.signal.aborted ? { exitCode: 0 } : (lastEnd ?? { exitCode: 0 }))
  }
  void run()

  return {
    order(next) {
      wanted = next
      restarts = { ...restarts, ends: 0 }
      event()
    },
    async stop() {
      stopping.abort()
      event()
      await over.promise
    },
    over: over.promise,
  }
}

function isOther(order: ServiceOrder, than: ServiceOrder): boolean {
  return order.revision !== than.revision || order.launch !== than.launch
}

function wordsOf({ exitCode, signal }: InstanceEnd): string {
  return exitCode === undefined ? `signal ${signal ?? 'unknown'}` : `exit code ${exitCode}`
}
