// One node of the simulator: an engine on a simulated disk that can crash, stand still and come back.
import { decode, encode } from '@ipld/dag-cbor'
import type { PeerId, Term } from '../../../protocols/ids.ts'
import type { Clock } from '../../../node/kernel/clock.ts'
import { createHlc } from '../../../node/kernel/hlc.ts'
import { createBlockStore } from '../../../node/replication/block-store.ts'
import { unframeValue } from '../../../node/store/checked-value.ts'
import { ENDED_TERMS, endOf, META, REGISTER_JOURNAL, REGISTERS } from '../../../node/store/namespaces.ts'
import { createEngine } from '../../../node/tasks/engine.ts'
import { NO_BALLOT } from '../../../node/tasks/claims/ballots.ts'
import { createRegisterReader } from '../../../node/tasks/claims/registers/register-book.ts'
import type { SeatState } from '../../../node/tasks/claims/seats.ts'
import { fakeSign } from './fake-identity.ts'
import { createSimGuardian } from './sim-guardian.ts'
import type { SimNode, World } from './world.ts'
import type { SimDisk } from './sim-disk.ts'
import { createSimDisk } from './sim-disk.ts'

const SLOTS = 2
/** Shorter than the longest pauses: seats that come back find their place taken. */
const SEAT_DEAD_MS = 4_000
const CRASH_WAIT_MS = 300
const CATCH_UP_MS = 2

export function createSimNode(world: World, peer: PeerId): SimNode {
  const { clock, random, network } = world
  const disk: SimDisk = createSimDisk(clock, random, {
    onTorn: () => world.count('torn batch'),
    ...(world.planted === 'skipped-fsync' ? { answersEarly: true } : {}),
  })
  let life = 0
  let deferred: (() => void)[] = []
  let catchingUp = false

  const isBehind = (): boolean => node.paused || catchingUp
  const nodeClock = (): Clock => {
    const born = life
    const guarded = (run: () => void) => () => {
      if (born !== life) return
      if (isBehind()) deferred.push(run)
      else run()
    }
    return { wallMs: clock.wallMs, nowMs: clock.nowMs, after: (delayMs, run) => clock.after(delayMs, guarded(run)) }
  }
  const later = (run: () => void) => {
    const born = life
    return () => (born !== life ? undefined : isBehind() ? void deferred.push(run) : run())
  }
  /** The guardian lives through crashes; what it says reaches only the life that it was said to. */
  const guardian = createSimGuardian(world, peer, (task, epoch, outcome) =>
    later(() => node.engine?.execution.ended(task, epoch, outcome))(),
  )

  const boot = async (): Promise<void> => {
    if (node.gone) return
    life += 1
    const mine = life
    node.up = true
    node.paused = false
    guardian.nodeStarted()
    const epoch = Math.floor(clock.wallMs() * 1024 + random.next() * 1024)
    await disk.database.write([], { sync: true })
    const reader = createRegisterReader()
    for (const namespace of [REGISTERS, REGISTER_JOURNAL])
      for await (const [key, value] of disk.database.range(namespace, endOf(namespace))) reader.take(key, unframeValue(value) as Uint8Array)
    if (world.planted === 'forgetful-keeper') reader.stored.registers.clear()
    const ended = new Set<string>()
    for await (const [key] of disk.database.range(ENDED_TERMS, endOf(ENDED_TERMS))) ended.add(key.slice(2))
    const seat = await disk.read(`${META}seat`)
    const blocks = createBlockStore(disk.database)
    const engineClock = nodeClock()
    // Only this life may write: a crash cuts off what the old one still wanted.
    const persist = (writes: Parameters<SimDisk['persist']>[0], done: () => void): void => {
      if (mine === life) disk.persist(writes, later(done))
    }
    const room = world.room?.(peer, engineClock)
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
          isAdmin: () => true,
          cutOf: () => undefined,
          keepers: () => world.peers.filter((one) => !world.left.has(one)),
        },
        seatDeadMs: SEAT_DEAD_MS,
        work: guardian.work,
        foldParts: room?.parts ?? [],
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
            room?.noteTask(state)
            if (state.value.state === 'settled')
              world.onSettled(peer, state.id, `${state.value.end}/${state.value.epoch}`, state.value.version)
          },
          onProfile() {},
          onGroup() {},
          onName() {},
          onRuns() {},
          onLease(untilMs, which) {
            guardian.onLease(untilMs, which)
          },
          onFork: () => world.onError(new Error('fork')),
          onReject: (_, verdict) => world.onError(new Error(`reject: ${verdict.reason} ${verdict.detail}`)),
          onError: world.onError,
        },
      },
      {
        ...reader.stored,
        ended,
        seat: seat === undefined ? firstSeat(world.peers[0] as PeerId, peer) : decode<SeatState>(seat),
        blocks: blocks.all(() => world.count('damaged')),
      },
    )
    if (mine !== life) return
    node.engine = engine
    node.restoredHash = engine.fold.hash()
    engine.start()
    room?.start(engine)
    for (const other of node.linked()) {
      engine.onPeerUp(other)
      world.node(other).engine?.onPeerUp(peer)
    }
  }

  const node: SimNode = {
    peer,
    engine: undefined,
    restoredHash: undefined,
    up: false,
    gone: false,
    paused: false,
    boot,
    hasWritten: disk.isIdle,
    crash() {
      life += 1
      node.up = false
      node.engine = undefined
      deferred = []
      catchingUp = false
      disk.crash()
      guardian.nodeDied()
      world.onCrash(peer)
    },
    crashWhileWriting() {
      const mine = life
      const strike = (): void => {
        if (mine === life) node.crash()
      }
      disk.duringNextWrite(strike)
      clock.after(CRASH_WAIT_MS, strike)
    },
    pause() {
      node.paused = true
    },
    resume() {
      node.paused = false
      if (catchingUp) return
      catchingUp = true
      const mine = life
      // One message at a time, as a process does with its sockets: the guardian ticks between two of them.
      const next = (): void => {
        if (mine !== life) return
        const run = node.paused ? undefined : deferred.shift()
        run?.()
        catchingUp = deferred.length > 0
        if (catchingUp) clock.after(random.next() * CATCH_UP_MS, next)
      }
      next()
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

function firstSeat(founder: PeerId, self: PeerId): SeatState {
  return { config: { version: 1, seats: [founder] }, votes: self === founder ? 1 : 0, promised: NO_BALLOT }
}
