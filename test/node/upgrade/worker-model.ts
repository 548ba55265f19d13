// A mesh of workers that follow one branch, with the real machine, the real rules of the turn and a register that a majority keeps;
// steps end in an order drawn by seed, fail, and processes die at any moment.
import type { PeerId } from '../../../protocols/ids.ts'
import type { RegisterValue } from '../../../protocols/records.ts'
import { createSeededRandom, pick } from '../../../node/kernel/random.ts'
import { type Effect, firstState, nextState, type Step, type UpgradeEvent, type UpgradeState } from '../../../node/upgrade/machine.ts'
import { canaryVerdict, type Fellow, giveTurn, seatObjection, takeTurn } from '../../../node/upgrade/turn.ts'

type Order = Extract<Effect, { commit: string }>
type Worker = {
  peer: PeerId
  state: UpgradeState
  /** Steps under way. */
  orders: Order[]
  /** Its process ended: the supervisor starts `next` and sees whether it gets healthy. */
  down: boolean
  next?: string | undefined
  previous: string | undefined
  fallen?: { commit: string; reason: string } | undefined
}
export type Mesh = {
  workers: readonly Worker[]
  push(commit: string): void
  /** One thing happens; false where nothing can. */
  step(): boolean
  order(peer: number, event: UpgradeEvent): void
  downNow(): number
  started: string[]
}

/** `breaks`: commits whose start fails; `unbuildable`: whose proof fails. */
export function createMesh(
  seed: number,
  size: number,
  world: { breaks: ReadonlySet<string>; unbuildable: ReadonlySet<string>; faults: boolean },
): Mesh {
  const random = createSeededRandom(seed)
  let register: RegisterValue = { version: 0, epoch: 0, state: 'free', attempt: 0 }
  let operations = 0
  let head: string | undefined
  const started: string[] = []
  const begin = (running: string): UpgradeState => firstState({ running, failed: [], onTrial: false, paused: false })
  const workers: Worker[] = Array.from({ length: size }, (_, index) => ({
    peer: `peer-${index}` as PeerId,
    state: begin('c0'),
    orders: [],
    down: false,
    previous: undefined,
  }))
  const seats = workers.map(({ peer }) => peer).slice(0, size >= 5 ? 5 : size >= 3 ? 3 : 1)
  const fellows = (): Fellow[] =>
    workers.map(({ peer, state, down }) => ({
      peer,
      name: peer,
      alive: !down,
      canary: false,
      commit: state.running,
      phase: state.phase,
      target: state.target,
      reason: state.reason,
    }))
  const change = (make: ReturnType<typeof takeTurn>): string | undefined => {
    const next: RegisterValue | { refused: string } = make(register)
    if ('refused' in next) return next.refused as string
    register = next
    return undefined
  }
  const on = (worker: Worker, event: UpgradeEvent): void => {
    const next = nextState(worker.state, event)
    worker.state = next.state
    for (const effect of next.effects) {
      if (effect.do === 'stop-step') worker.orders = []
      else if (effect.do === 'release-turn') change(giveTurn(worker.peer, [worker.peer, 1, ++operations]))
      else worker.orders.push(effect)
    }
  }
  const stepped = (worker: Worker, order: Order): void => {
    worker.orders = worker.orders.filter((one) => one !== order)
    on(worker, { on: 'stepped', step: order.do, run: order.run })
  }
  const failed = (worker: Worker, order: Order, reason: string, final: boolean): void => {
    worker.orders = worker.orders.filter((one) => one !== order)
    on(worker, { on: 'failed', run: order.run, reason, final })
  }
  const goesBack = (worker: Worker, commit: string): boolean => worker.previous === commit
  const steps: Record<Step, (worker: Worker, order: Order) => boolean> = {
    fetch: (worker, order) => (
      world.faults && random.next() < 0.2 ? failed(worker, order, 'network', false) : stepped(worker, order), true
    ),
    'await-canary'(worker, order) {
      const verdict = canaryVerdict(worker.peer, order.commit, fellows())
      if ('stop' in verdict) return (failed(worker, order, verdict.stop, true), true)
      return verdict.go && (stepped(worker, order), true)
    },
    stage: (worker, order) => (stepped(worker, order), true),
    prove: (worker, order) => (
      world.unbuildable.has(order.commit) ? failed(worker, order, 'not proven', true) : stepped(worker, order), true
    ),
    'take-turn'(worker, order) {
      if (!goesBack(worker, order.commit)) {
        const verdict = canaryVerdict(worker.peer, order.commit, fellows())
        if ('stop' in verdict) return (failed(worker, order, verdict.stop, true), true)
        if (!verdict.go) return false
      }
      const reachable = workers.filter(({ peer, down }) => !down && seats.includes(peer)).length
      if (seatObjection(worker.peer, { seats, reachable, majority: Math.floor(seats.length / 2) + 1 }) !== undefined) return false
      const refused = change(takeTurn({ node: worker.peer, commit: order.commit, sinceMs: 0 }, () => false, [worker.peer, 1, ++operations]))
      if (refused === 'taken') return false
      stepped(worker, order)
      return true
    },
    switch(worker, order) {
      Object.assign(worker, { down: true, next: order.commit, orders: [] })
      return true
    },
  }
  const comesBack = (worker: Worker): void => {
    const { next, state } = worker
    worker.down = false
    worker.next = undefined
    const failedBefore = state.failed
    if (next === undefined) {
      // It died and was started again with what it ran.
      worker.state = firstState({ running: state.running, failed: failedBefore, onTrial: false, paused: false, rolledBack: worker.fallen })
      change(giveTurn(worker.peer, [worker.peer, 1, ++operations]))
    } else if (world.breaks.has(next)) {
      worker.fallen = { commit: next, reason: 'it does not start' }
      worker.state = firstState({ running: state.running, failed: failedBefore, onTrial: false, paused: false, rolledBack: worker.fallen })
      change(giveTurn(worker.peer, [worker.peer, 1, ++operations]))
    } else {
      started.push(next)
      worker.previous = state.running
      worker.fallen = undefined
      worker.state = firstState({ running: next, failed: failedBefore, onTrial: true, paused: false })
      on(worker, { on: 'healthy' })
    }
  }
  const possible = (): (() => boolean)[] =>
    workers.flatMap((worker) => {
      if (worker.down) return [() => (comesBack(worker), true)]
      const moves = worker.orders.map((order) => () => steps[order.do](worker, order))
      const sees = head !== undefined && [() => (on(worker, { on: 'head', commit: head ?? '' }), false)]
      return [...moves, ...(sees === false ? [] : sees)]
    })
  return {
    workers,
    started,
    push: (commit) => void (head = commit),
    step() {
      const victim = world.faults && random.next() < 0.02 ? pick(random, workers) : undefined
      // A process that dies beside an upgrade; more than a minority at once is beyond what the mesh promises.
      if (victim !== undefined && !victim.down && workers.every(({ down }) => !down)) Object.assign(victim, { down: true, orders: [] })
      const moves = possible().toSorted(() => random.next() - 0.5)
      return moves.some((move) => move())
    },
    order: (index, event) => on(workers[index] as Worker, event),
    downNow: () => workers.filter(({ down, next }) => down && next !== undefined).length,
  }
}
