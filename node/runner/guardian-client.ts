// The node's side of its guardian: starts it at the first run, speaks to it, and reports every run that was started exactly once.
// If the guardian dies, this side ends the work. Must never report an end while a process of the run may be alive.
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { type Cancel, type Clock, sleep } from '../kernel/clock.ts'
import { messageOf, NimbusError } from '../kernel/errors.ts'
import type { Log } from '../kernel/log.ts'
import { checkOrder } from './check-order.ts'
import { type GuardianLink, launchGuardian, refusalOf } from './guardian-link.ts'
import { endLeftovers, noteGuardian } from './leftovers.ts'
import { type LogFollow, logSizeOf } from './output-log.ts'
import { createSweeper, type Sweeper } from './process-sweep.ts'
import type { FromGuardian, RunEnd, RunOrder, Target } from './run-order.ts'

/** An idle guardian costs 45 MB; a new one costs a tenth of a second. */
const IDLE_MS = 600_000
const SWEEP_MS_MAX = 5_000
/** Leases of which the node tells; the oldest is forgotten, and its work stays frozen. */
const LEASES_MAX = 64
/** For runs that are still there when a draining node's patience is over. */
const CLOSE_GRACE_MS = 2_000

export type Runner = {
  /** Settles when the command is proven started. */
  start(order: RunOrder): Promise<{ pid: number }>
  onEnd(callback: (end: RunEnd) => void): Cancel
  /** Asks the run's group to end, kills it after `graceMs`; settles when nothing of it is left. */
  stop(id: string, how: { graceMs: number; reason: string }): Promise<void>
  running(): string[]
  /** For `readLog`: wakes when the run has written more or has ended. */
  follow(id: string): LogFollow
  /** The guardian freezes the work of this lease when the monotonic clock passes `untilMs`, and thaws it when a later one is told. */
  lease(name: string, untilMs: number): void
  /** What the guardian sends to the targets when this process dies and its work is proven gone. */
  lastWords(datagram: Uint8Array, targets: Target[]): void
  /** Ends what a crashed predecessor with this data folder left; call it before anything is claimed. */
  leftovers(): Promise<void>
  /** Takes no more runs, waits for those there are, stops the rest, and lets the guardian go. */
  close(how: { drainMs: number }): Promise<void>
}

type RunnerComponents = { clock: Clock; log: Log; dataDir: string }
type Running = {
  order: RunOrder
  pid: number | undefined
  startedAt: number
  started: PromiseWithResolvers<{ pid: number }>
  over: PromiseWithResolvers<void>
  /** Settled at the next growth or end, then replaced. */
  change: PromiseWithResolvers<void>
}

export function createRunner(components: RunnerComponents, options: { idleMs?: number } = {}): Runner {
  return new GuardianClient(components, options.idleMs ?? IDLE_MS)
}

class GuardianClient implements Runner {
  readonly #clock: Clock
  readonly #log: Log
  readonly #dataDir: string
  readonly #dataId: string
  readonly #idleMs: number
  readonly #sweeper: Sweeper
  readonly #runs = new Map<string, Running>()
  readonly #listeners = new Set<(end: RunEnd) => void>()
  #guardian: GuardianLink | undefined
  readonly #leases = new Map<string, number>()
  #lastWords: { datagram: Uint8Array; targets: Target[] } | undefined
  #cancelIdle: Cancel = () => {}
  #closing = false

  constructor({ clock, log, dataDir }: RunnerComponents, idleMs: number) {
    this.#clock = clock
    this.#log = log
    this.#dataDir = resolve(dataDir)
    this.#dataId = createHash('sha256').update(this.#dataDir).digest('hex').slice(0, 32)
    this.#idleMs = idleMs
    this.#sweeper = createSweeper(clock)
  }

  async start(order: RunOrder): Promise<{ pid: number }> {
    checkOrder(order, { closing: this.#closing, running: this.#runs })
    const guardian = this.#ensureGuardian()
    const run: Running = {
      order,
      pid: undefined,
      startedAt: this.#clock.wallMs(),
      started: Promise.withResolvers(),
      over: Promise.withResolvers(),
      change: Promise.withResolvers(),
    }
    this.#runs.set(order.id, run)
    guardian.send({ type: 'start', order: { ...order, env: { ...order.env, NIMBUS_RUN: order.id, NIMBUS_DATA_ID: this.#dataId } } })
    return run.started.promise
  }

  onEnd(callback: (end: RunEnd) => void): Cancel {
    this.#listeners.add(callback)
    return () => void this.#listeners.delete(callback)
  }

  async stop(id: string, how: { graceMs: number; reason: string }): Promise<void> {
    const run = this.#runs.get(id)
    this.#guardian?.send({ type: 'stop', id, ...how })
    await run?.over.promise
  }

  running(): string[] {
    return [...this.#runs.keys()]
  }

  follow(id: string): LogFollow {
    return {
      done: () => !this.#runs.has(id),
      changed: () => this.#runs.get(id)?.change.promise ?? Promise.resolve(),
    }
  }

  lease(name: string, untilMs: number): void {
    // The newest is last; a new guardian is told them all.
    this.#leases.delete(name)
    this.#leases.set(name, untilMs)
    if (this.#leases.size > LEASES_MAX) this.#leases.delete(this.#leases.keys().next().value as string)
    this.#guardian?.send({ type: 'lease', name, untilMs })
  }

  lastWords(datagram: Uint8Array, targets: Target[]): void {
    this.#lastWords = { datagram, targets }
    this.#guardian?.send({ type: 'last-words', datagram, targets })
  }

  leftovers(): Promise<void> {
    return endLeftovers(this.#clock, this.#dataDir, this.#dataId)
  }

  async close({ drainMs }: { drainMs: number }): Promise<void> {
    this.#closing = true
    const all = Promise.all([...this.#runs.values()].map((run) => run.over.promise))
    await Promise.race([all, sleep(this.#clock, drainMs)])
    await Promise.all(this.running().map((id) => this.stop(id, { graceMs: CLOSE_GRACE_MS, reason: 'its node stops' })))
    await this.#dismiss()
  }

  #ensureGuardian(): GuardianLink {
    this.#cancelIdle()
    if (this.#guardian) return this.#guardian
    const components = {
      clock: this.#clock,
      receive: (message: FromGuardian) => this.#receive(message),
      onDeath: () => void this.#bury(link),
    }
    const link = launchGuardian(components, { dataId: this.#dataId, dataDir: this.#dataDir })
    noteGuardian(this.#dataDir, link.pid)
    for (const [name, untilMs] of this.#leases) link.send({ type: 'lease', name, untilMs })
    if (this.#lastWords) link.send({ type: 'last-words', ...this.#lastWords })
    this.#guardian = link
    return link
  }

  #receive(message: FromGuardian): void {
    const run = this.#runs.get(message.type === 'ended' ? message.end.id : message.id)
    if (!run) return
    switch (message.type) {
      case 'started':
        run.pid = message.pid
        return run.started.resolve({ pid: message.pid })
      case 'refused':
        run.started.reject(refusalOf(message))
        return this.#forget(run)
      case 'grown': {
        const { change } = run
        run.change = Promise.withResolvers()
        return change.resolve()
      }
      case 'ended':
        return this.#report(run, message.end)
    }
  }

  #report(run: Running, end: RunEnd): void {
    this.#forget(run)
    for (const listener of this.#listeners) {
      try {
        listener(end)
      } catch (error) {
        this.#log.error({ run: end.id, error: messageOf(error) }, 'a listener to the ends of runs failed')
      }
    }
  }

  #forget(run: Running): void {
    this.#runs.delete(run.order.id)
    run.change.resolve()
    run.over.resolve()
    if (this.#runs.size > 0 || this.#closing) return
    this.#cancelIdle()
    this.#cancelIdle = this.#clock.after(this.#idleMs, () => void this.#dismiss())
  }

  async #dismiss(): Promise<void> {
    this.#cancelIdle()
    const guardian = this.#guardian
    this.#guardian = undefined
    await guardian?.dismiss()
  }

  /** The guardian died and its runs are orphans with broken pipes: they are ended, not adopted. */
  async #bury(link: GuardianLink): Promise<void> {
    if (this.#guardian === link) this.#guardian = undefined
    const orphans = [...this.#runs.values()]
    this.#log.error({ pid: link.pid, runs: orphans.length }, 'the guardian died; its work is ended')
    await Promise.all(orphans.map((run) => this.#endOrphan(run)))
  }

  async #endOrphan(run: Running): Promise<void> {
    const { id, logFile } = run.order
    const survivors = await this.#sweeper.end(
      { environment: `NIMBUS_RUN=${id}`, groups: run.pid === undefined ? [] : [run.pid] },
      SWEEP_MS_MAX,
    )
    if (run.pid === undefined) {
      run.started.reject(
        new NimbusError('guardian-died', `The run ${id} was not started, because the guardian of this node died.`, {
          cure: 'Try again; a new guardian is started by itself.',
        }),
      )
      return this.#forget(run)
    }
    const logSize = await logSizeOf(logFile)
    const error = survivors.length === 0 ? 'guardian-died' : 'processes-survived'
    this.#report(run, {
      id,
      timedOut: false,
      error,
      startedAt: run.startedAt,
      endedAt: this.#clock.wallMs(),
      logSize,
      droppedBytes: 0,
      tail: '',
    })
  }
}
