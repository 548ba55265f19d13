// One node of the simulator: an engine on a simulated disk, its simulated processes and the guardian that outlives it.
import { createHash } from 'node:crypto'
import { decode, encode } from '@ipld/dag-cbor'
import type { PeerId, TaskId, Term } from '../../protocols/ids.ts'
import type { LinkMessage } from '../../protocols/streams.ts'
import type { Clock } from '../../node/kernel/clock.ts'
import { createHlc } from '../../node/kernel/hlc.ts'
import type { Random } from '../../node/kernel/random.ts'
import { createBlockStore } from '../../node/replication/block-store.ts'
import { unframeValue } from '../../node/store/checked-value.ts'
import { ENDED_TERMS, endOf, META, REGISTERS } from '../../node/store/namespaces.ts'
import type { Engine } from '../../node/tasks/engine.ts'
import { createEngine } from '../../node/tasks/engine.ts'
import { NO_BALLOT } from '../../node/tasks/claims/ballots.ts'
import { decodeRegister } from '../../node/tasks/claims/keeper.ts'
import type { Register } from '../../node/tasks/claims/keeper.ts'
import type { SeatState } from '../../node/tasks/claims/seats.ts'
import type { SimClock } from './sim-clock.ts'
import type { SimDisk } from './sim-disk.ts'
import { createSimDisk } from './sim-disk.ts'
import type { SimNetwork } from './sim-network.ts'

export type SimRun = { task: TaskId; epoch: number; term: Term; node: PeerId; remainingMs: number; state: 'running' | 'frozen' | 'over' }

export type World = {
  clock: SimClock
  random: Random
  network: SimNetwork
  peers: PeerId[]
  left: Set<PeerId>
  node(peer: PeerId): SimNode
  /** Checked at every change of a run: no two of one task run at once. */
  onRun(run: SimRun): void
  onSettled(node: PeerId, task: TaskId, end: string, version: number): void
  onError(error: unknown): void
  count(state: string): void
}

export type SimNode = {
  peer: PeerId
  engine: Engine | undefined
  up: boolean
  paused: boolean
  runs: Map<string, SimRun>
  boot(): Promise<void>
  crash(): void
  pause(): void
  resume(): void
  receive(from: PeerId, message: LinkMessage): void
  receiveLastWords(from: PeerId, term: Term): void
  linked(): PeerId[]
}

const SLOTS = 2
const TICK_MS = 20

export function createSimNode(world: World, peer: PeerId): SimNode {
  const { clock, random, network } = world
  const disk: SimDisk = createSimDisk(clock, random)
  let life = 0
  let deferred: (() => void)[] = []
  const leases = new Map<Term, number>()
  let term: Term | undefined

  const nodeClock = (): Clock => {
    const born = life
    const guarded = (run: () => void) => () => {
      if (born !== life) return
      if (node.paused) deferred.push(run)
      else run()
    }
    return { wallMs: clock.wallMs, nowMs: clock.nowMs, after: (delayMs, run) => clock.after(delayMs, guarded(run)) }
  }
  const later = (run: () => void) => {
    const born = life
    return () => (born !== life ? undefined : node.paused ? void deferred.push(run) : run())
  }
  const mayRun = (run: SimRun): boolean => clock.nowMs() <= (leases.get(run.term) ?? -Infinity)
  const set = (run: SimRun, state: SimRun['state']): void => {
    if (run.state === state) return
    run.state = state
    world.onRun(run)
  }
  const end = (run: SimRun): void => {
    set(run, 'over')
    node.runs.delete(`${run.task}/${run.epoch}`)
  }

  /** The guardian: it works on its own clock, frozen node or not. */
  const guard = (): void => {
    clock.after(TICK_MS, () => {
      for (const run of node.runs.values()) {
        set(run, mayRun(run) ? 'running' : 'frozen')
        if (run.state !== 'running') continue
        run.remainingMs -= TICK_MS
        if (run.remainingMs > 0) continue
        end(run)
        later(() => node.engine?.execution.ended(run.task, run.epoch, { result: 'succeeded', exitCode: 0, endedAt: clock.wallMs() }))()
      }
      if (node.runs.size > 0) guard()
    })
  }
  const work = {
    start(order: { task: TaskId; epoch: number; term: Term }): void {
      const run: SimRun = { task: order.task, epoch: order.epoch, term: order.term, node: peer, remainingMs: 40 + random.next() ** 3 * 4_000, state: 'frozen' }
      node.runs.set(`${order.task}/${order.epoch}`, run)
      if (node.runs.size === 1) guard()
      set(run, mayRun(run) ? 'running' : 'frozen')
    },
    stop(task: TaskId, epoch: number, reason: string): void {
      const run = node.runs.get(`${task}/${epoch}`)
      clock.after(5 + random.next() * 30, () => {
        if (run !== undefined && run.state !== 'over') end(run)
        later(() => node.engine?.execution.ended(task, epoch, { result: reason === 'cancelled' ? 'cancelled' : 'lost', endedAt: clock.wallMs() }))()
      })
    },
  }

  const boot = async (): Promise<void> => {
    life += 1
    const mine = life
    node.up = true
    node.paused = false
    leases.clear()
    term = undefined
    const epoch = Math.floor(clock.wallMs() * 1024 + random.next() * 1024)
    await disk.database.write([], { sync: true })
    const oldTerm = await disk.read(`${META}term`)
    const registers = new Map<TaskId, Register>()
    for await (const [key, value] of disk.database.range(REGISTERS, endOf(REGISTERS))) registers.set(key.slice(2) as TaskId, decodeRegister(unframeValue(value) as Uint8Array))
    const ended = new Set<string>()
    for await (const [key] of disk.database.range(ENDED_TERMS, endOf(ENDED_TERMS))) ended.add(key.slice(2))
    const seat = await disk.read(`${META}seat`)
    const blocks = createBlockStore(disk.database)
    const engineClock = nodeClock()
    // Only this life may write: a crash cuts off what the old one still wanted.
    const persist = (writes: Parameters<SimDisk['persist']>[0], done: () => void): void => {
      if (mine === life) disk.persist(writes, later(done))
    }
    const engine = await createEngine(
      {
        self: peer,
        epoch,
        clock: engineClock,
        random,
        hlc: createHlc(clock),
        blocks,
        sign: (bytes) => fakeSign(peer, bytes),
        verify: (author, bytes, signature) => Buffer.compare(fakeSign(author, bytes), signature) === 0,
        persist,
        saveSeat: (state, done) => persist([{ put: `${META}seat`, value: encode(state) }], done),
        net: {
          send: (to, message) => (mine === life && !node.paused ? network.send(peer, to, message) : false),
          linked: () => node.linked(),
        },
        trust: {
          wasMember: () => true,
          mayPublish: () => true,
          cutOf: () => undefined,
          keepers: () => world.peers.filter((one) => !world.left.has(one)),
        },
        work,
        offers: () =>
          world.peers.map((one) => ({
            node: one,
            name: one.slice(-3),
            alive: one === peer || node.linked().includes(one),
            draining: world.left.has(one),
            mayRun: true,
            roles: [],
            skills: [],
            labels: {},
            pool: undefined,
            accept: [],
            slots: SLOTS,
            freeSlots: SLOTS,
          })),
        nameOf: (one) => one.slice(-3),
        slots: () => (world.left.has(peer) ? 0 : SLOTS),
        listener: {
          onTask(state) {
            if (state.value.state === 'settled') world.onSettled(peer, state.id, `${state.value.end}/${state.value.epoch}`, state.value.version)
          },
          onProfile() {},
          onGroup() {},
          onRuns() {},
          onLease(untilMs, which) {
            leases.set(which, untilMs ?? -Infinity)
            for (const run of node.runs.values()) if (run.term === which && untilMs === undefined) set(run, 'frozen')
            if (which === term) return
            term = which
            persist([{ put: `${META}term`, value: encode(which) }], () => {})
          },
          onFork: () => world.onError(new Error('fork')),
          onReject: (_, verdict) => world.onError(new Error(`reject: ${verdict.reason} ${verdict.detail}`)),
          onError: world.onError,
        },
      },
      { registers, ended, seat: seat === undefined ? firstSeat(world.peers[0] as PeerId) : decode<SeatState>(seat), blocks: blocks.all(() => world.count('damaged')) },
    )
    if (mine !== life) return
    node.engine = engine
    engine.start()
    if (oldTerm !== undefined) engineClock.after(20, () => engine.endOwnTerm(decode<Term>(oldTerm)))
    for (const other of node.linked()) {
      engine.onPeerUp(other)
      world.node(other).engine?.onPeerUp(peer)
    }
  }

  const node: SimNode = {
    peer,
    engine: undefined,
    up: false,
    paused: false,
    runs: new Map(),
    boot,
    crash() {
      life += 1
      node.up = false
      node.engine = undefined
      deferred = []
      disk.crash()
      // The guardian ends the work first, then says so to whoever it reaches.
      const dead = [...node.runs.values()]
      const lastTerm = term
      clock.after(1 + random.next() * 20, () => {
        for (const run of dead) if (run.state !== 'over') end(run)
        if (lastTerm === undefined || random.next() < 0.3) return
        for (const other of world.peers) {
          if (other !== peer) network.datagram(peer, other, () => world.node(other).receiveLastWords(peer, lastTerm))
        }
      })
    },
    pause() {
      node.paused = true
    },
    resume() {
      node.paused = false
      const late = deferred
      deferred = []
      for (const run of late) run()
    },
    receive(from, message) {
      if (!node.up) return
      later(() => node.engine?.onMessage(from, message))()
    },
    receiveLastWords(from: PeerId, which: Term) {
      if (node.up) later(() => node.engine?.onLastWords(from, which))()
    },
    linked: () => world.peers.filter((one) => one !== peer && world.node(one).up && network.reaches(peer, one)),
  }
  return node
}

function firstSeat(founder: PeerId): SeatState {
  return { config: { version: 1, seats: [founder] }, votes: 1, promised: NO_BALLOT }
}

/** Stands in for Ed25519 here: the cost of real signatures would hide the schedules. */
function fakeSign(author: PeerId, bytes: Uint8Array): Uint8Array {
  return createHash('sha512').update(author).update(bytes).digest()
}

export function fakePeer(index: number): PeerId {
  const letters = '123456789ABCDEFGHJKLMNPQRSTUVWXYZ'
  return `12D3Koo${'W'.repeat(42)}${letters[Math.floor(index / 100)]}${letters[Math.floor(index / 10) % 10]}${letters[index % 10]}` as PeerId
}
