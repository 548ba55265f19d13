// The guardian of a simulated node and its processes: it freezes work when the lease runs out, on its own clock, and outlives the node.
import type { PeerId, TaskId, Term } from '../../../protocols/ids.ts'
import { lifeOf } from '../../../protocols/ids.ts'
import type { Outcome } from '../../../protocols/records.ts'
import { LEASE_MS } from '../../../node/tasks/claims/lease-times.ts'
import type { Work } from '../../../node/tasks/execution.ts'
import type { SimRun, World } from './world.ts'

export type SimGuardian = {
  work: Work
  /** The lease of `term` runs until then; undefined: it is over. */
  onLease(untilMs: number | undefined, term: Term): void
  /** The node died: the work is ended, then whoever is reached hears that the term is over. */
  nodeDied(): void
  nodeStarted(): void
}

const TICK_MS = 20

export function createSimGuardian(
  world: World,
  peer: PeerId,
  onEnded: (task: TaskId, epoch: number, outcome: Outcome) => void,
): SimGuardian {
  const { clock, random } = world
  const runs = new Map<string, SimRun>()
  const leases = new Map<Term, number>()
  let term: Term | undefined

  const mayRun = (run: SimRun): boolean => run.spec.claim === 'available' || clock.nowMs() <= (leases.get(run.term) ?? -Infinity)
  const set = (run: SimRun, state: SimRun['state']): void => {
    if (run.state === state) return
    run.state = state
    world.onRun(run)
  }
  const end = (run: SimRun): void => {
    set(run, 'over')
    runs.delete(`${run.task}/${run.epoch}`)
  }
  const tick = (): void => {
    for (const run of runs.values()) {
      set(run, mayRun(run) ? 'running' : 'frozen')
      if (run.state !== 'running') continue
      run.remainingMs -= TICK_MS
      if (run.remainingMs > 0) continue
      end(run)
      const failed = run.command === 'false'
      onEnded(run.task, run.epoch, { result: failed ? 'failed' : 'succeeded', exitCode: Number(failed), endedAt: clock.wallMs() })
    }
    if (runs.size > 0) clock.after(TICK_MS, tick)
  }
  return {
    work: {
      start({ task, epoch, term: under, spec }) {
        const run: SimRun = {
          task,
          epoch,
          term: under,
          spec,
          node: peer,
          remainingMs: 40 + random.next() ** 3 * world.workMaxMs,
          state: 'frozen',
          command: spec.argv[0],
        }
        if (spec.kind === 'noop') {
          // No process: it ends before its beginning is written, as in the real one.
          set(run, 'running')
          set(run, 'over')
          return queueMicrotask(() => onEnded(task, epoch, { result: 'succeeded', endedAt: clock.wallMs() }))
        }
        runs.set(`${task}/${epoch}`, run)
        if (runs.size === 1) clock.after(TICK_MS, tick)
        set(run, mayRun(run) ? 'running' : 'frozen')
      },
      stop(task, epoch, reason) {
        const run = runs.get(`${task}/${epoch}`)
        clock.after(5 + random.next() * 30, () => {
          if (run !== undefined && run.state !== 'over') end(run)
          onEnded(task, epoch, { result: reason === 'cancelled' ? 'cancelled' : 'lost', endedAt: clock.wallMs() })
        })
      },
    },
    onLease(untilMs, which) {
      const counted = untilMs !== undefined && world.planted === 'lease-from-answer' ? clock.nowMs() + LEASE_MS : untilMs
      leases.set(which, counted ?? -Infinity)
      term = which
      if (untilMs === undefined)
        for (const run of runs.values()) if (run.term === which && run.spec.claim !== 'available') set(run, 'frozen')
    },
    nodeDied() {
      const dead = [...runs.values()]
      const lastTerm = term
      clock.after(1 + random.next() * 20, () => {
        for (const run of dead) if (run.state !== 'over') end(run)
        if (lastTerm === undefined || random.next() < 0.3) return
        for (const other of world.peers) {
          if (other !== peer) world.network.datagram(peer, other, () => world.node(other).receiveLastWords(peer, lifeOf(lastTerm)))
        }
      })
    },
    nodeStarted() {
      leases.clear()
      term = undefined
    },
  }
}
