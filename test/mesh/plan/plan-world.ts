// A simulated mesh with the rooms of schedules and messages in each node, on a wall clock of the test's choice.
import type { PeerId } from '../../../protocols/ids.ts'
import type { SchedulePlan } from '../../../protocols/plan/schedule-records.ts'
import type { Random } from '../../../node/kernel/random.ts'
import { createSeededRandom } from '../../../node/kernel/random.ts'
import type { Board } from '../../../node/messages/board.ts'
import { createBoard } from '../../../node/messages/board.ts'
import type { Post } from '../../../node/messages/post.ts'
import { createPost } from '../../../node/messages/post.ts'
import type { Book } from '../../../node/schedules/book.ts'
import { createBook } from '../../../node/schedules/book.ts'
import type { Ticker } from '../../../node/schedules/ticker.ts'
import { createTicker } from '../../../node/schedules/ticker.ts'
import type { Engine } from '../../../node/tasks/engine.ts'
import { fakePeer } from '../parts/fake-identity.ts'
import type { SimClock } from '../parts/sim-clock.ts'
import { createSimClock } from '../parts/sim-clock.ts'
import { createSimNetwork } from '../parts/sim-network.ts'
import { createSimNode } from '../parts/sim-node.ts'
import type { SimNode, World } from '../parts/world.ts'

export type PlanRooms = { book: Book; board: Board; post: Post; ticker: Ticker }
export type PlanWorld = World & {
  clock: SimClock
  random: Random
  nodes: SimNode[]
  rooms(node: SimNode): PlanRooms
  /** Who may publish, as each node sees it now. */
  barred: Set<PeerId>
  errors: unknown[]
  /** Runs that began, by task. */
  starts: Map<string, number>
  addSchedule(node: SimNode, name: string, plan: Partial<SchedulePlan>): void
  /** Each tick that any node knows of: when, how many members wrote it, and how it ended. */
  ticks(name: string): { at: string; writers: number; end: string | undefined; runs: number }[]
  runUntil(iso: string): Promise<void>
  heal(): void
}

export async function createPlanWorld(options: { seed: number; start: string; nodes?: number; workMaxMs?: number }): Promise<PlanWorld> {
  const clock = createSimClock(Date.parse(options.start))
  const random = createSeededRandom(options.seed)
  const rooms = new Map<PeerId, PlanRooms>()
  const byPeer = new Map<PeerId, SimNode>()
  const errors: unknown[] = []
  const starts = new Map<string, number>()
  const barred = new Set<PeerId>()
  const running = new Set<object>()
  const world: PlanWorld = {
    clock,
    random,
    network: createSimNetwork(clock, random, (to, from, message) => byPeer.get(to)?.receive(from, message)),
    peers: Array.from({ length: options.nodes ?? 5 }, (_, i) => fakePeer(i)),
    left: new Set(),
    planted: undefined,
    workMaxMs: options.workMaxMs ?? 2_000,
    node: (peer) => byPeer.get(peer) as SimNode,
    onRun(run) {
      if (run.state !== 'running' || running.has(run)) return
      running.add(run)
      starts.set(run.task, (starts.get(run.task) ?? 0) + 1)
    },
    onSettled() {},
    onCrash() {},
    onError: (error) => errors.push(error),
    count() {},
    room(peer, nodeClock) {
      const board = createBoard(() => {})
      let opened: PlanRooms | undefined
      const book = createBook((name) => opened?.ticker.changed(name))
      return {
        parts: [board.part, book.part],
        noteTask: (state) => void opened?.ticker.noteTask(state),
        start(engine) {
          opened = openRooms(peer, engine)
          for (const state of engine.fold.tasks()) opened.ticker.noteTask(state)
          rooms.set(peer, opened)
          opened.ticker.start()
        },
      }
      function openRooms(self: PeerId, engine: Engine): PlanRooms {
        const { append, durable } = engine
        const mayPublish = (one: PeerId): boolean => !barred.has(one)
        const writers = (): PeerId[] => [self, ...world.node(self).linked()].filter(mayPublish)
        return {
          book,
          board,
          post: createPost({
            self,
            clock: nodeClock,
            random,
            board,
            append,
            durable,
            kinOf: () => undefined,
            findWorker: (name) => world.peers.find((one) => one === name),
            nameOf: (one) => one.slice(-3),
            assertMayWrite() {},
          }),
          ticker: createTicker({
            self,
            clock: nodeClock,
            book,
            append,
            mayPublish,
            writers,
            publishOnce: engine.publishOnce,
            task: engine.fold.task,
            nameOf: (one) => one.slice(-3),
            onError: world.onError,
          }),
        }
      }
    },
    nodes: [],
    rooms: (node) => rooms.get(node.peer) as PlanRooms,
    barred,
    errors,
    starts,
    addSchedule(node, name, plan) {
      const spec = { kind: 'shell' as const, argv: ['true'], priority: 5, attempts: 1 }
      node.engine?.append({
        kind: 'schedule',
        name,
        plan: { from: clock.wallMs(), overlap: 'allow', missed: 'latest', spec, ...plan },
      })
    },
    ticks(name) {
      const found = new Map<string, { at: number; writers: number; end: string | undefined; runs: number }>()
      for (const { engine } of world.nodes) {
        for (const { id, task, records, value } of engine?.fold.tasks() ?? []) {
          const tick = task?.spec.schedule
          if (tick?.id === name) found.set(id, { at: tick.at, writers: records?.size ?? 0, end: value.end, runs: starts.get(id) ?? 0 })
        }
      }
      return [...found.values()].sort((a, b) => a.at - b.at).map((tick) => ({ ...tick, at: new Date(tick.at).toISOString().slice(0, 19) }))
    },
    runUntil: (iso) => clock.run(Date.parse(iso) - Date.parse(options.start)),
    heal() {
      world.network.heal()
      for (const node of world.nodes) for (const other of node.linked()) node.engine?.onPeerUp(other)
    },
  }
  for (const peer of world.peers) {
    const node = createSimNode(world, peer)
    byPeer.set(peer, node)
    world.nodes.push(node)
  }
  for (const node of world.nodes) await Promise.all([node.boot(), clock.run(clock.nowMs() + 200)])
  await clock.run(clock.nowMs() + 5_000)
  return world
}
