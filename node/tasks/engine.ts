// The queue of the mesh at one node, without any I/O: replica, fold, keeper group, scheduler and execution, wired. Messages and timers
// go in; sends, writes, processes and events come out through ports. The same code runs on libp2p and LevelDB and in the simulator.
import type { TaskStateName } from '../../protocols/http/views.ts'
import type { Block, SealedBlock } from '../../protocols/blocks.ts'
import type { NameKey, PeerId, TaskId, Term } from '../../protocols/ids.ts'
import { isNameKey, lifeOf } from '../../protocols/ids.ts'
import type { Entry, RegisterValue, TaskSpec } from '../../protocols/records.ts'
import type { GroupConfig, Head, LinkMessage } from '../../protocols/streams.ts'
import type { ReplicaComponents } from '../replication/replica.ts'
import type { Replica } from '../replication/replica.ts'
import { createReplica } from '../replication/replica.ts'
import type { Group, GroupMemory } from './claims/group.ts'
import { createGroup } from './claims/group.ts'
import { hasMajority } from './claims/quorum.ts'
import { isAvailable } from './fold/free-runs.ts'
import { leaseLengthMs } from './claims/lease-times.ts'
import type { Proposer } from './claims/proposer.ts'
import type { SeatState, Seats } from './claims/seats.ts'
import { createAvailable, withAvailable } from './available.ts'
import type { Execution, Work } from './execution.ts'
import { createExecution } from './execution.ts'
import type { Fold, FoldPart, TaskState } from './fold/fold.ts'
import { createFold } from './fold/fold.ts'
import type { Families } from './fold/families.ts'
import { createFamilies } from './fold/families.ts'
import { createHoldings } from './fold/holdings.ts'
import type { EndReason } from './matching/endings.ts'
import { createJoints } from './joints.ts'
import type { Offer } from './matching/match.ts'
import type { Scheduler } from './matching/scheduler.ts'
import { createScheduler } from './matching/scheduler.ts'
import { createNameFold, loggedValues } from './names/name-fold.ts'
import type { Naming } from './names/naming.ts'
import { createNaming } from './names/naming.ts'
import type { Reservations } from './matching/reservations.ts'
import { createReservations } from './matching/reservations.ts'
import { hasRoom, unreservedOf } from './matching/resources.ts'
import { createStateCounts } from './view/state-counts.ts'
import { createTaskIndex } from './fold/task-index.ts'
import type { Graph } from './fold/graph.ts'
import { createGraph } from './fold/graph.ts'
import type { StateContext } from './fold/transitions.ts'
import { claim } from './fold/transitions.ts'
import { endingOf } from './matching/ending-of.ts'
import type { OwnLoad } from './own-load.ts'
import { createOwnLoad } from './own-load.ts'
import type { Pools } from './pools.ts'
import { createPools } from './pools.ts'
import type { Publication, Publisher } from './publish.ts'
import { createPublisher } from './publish.ts'

type ReplicaPorts = Pick<
  ReplicaComponents,
  'self' | 'epoch' | 'clock' | 'random' | 'hlc' | 'blocks' | 'sign' | 'verify' | 'persist' | 'net'
>

export type EngineComponents = ReplicaPorts & {
  saveSeat(state: SeatState, done: () => void): void
  trust: {
    wasMember(peer: PeerId): boolean
    mayPublish(peer: PeerId): boolean
    cutOf(peer: PeerId, epoch: number): number | undefined
    /** Members that may keep registers, longest certified first. */
    keepers(): PeerId[]
    isAdmin(peer: PeerId): boolean
  }
  /** A seat that nobody links to for so long gives its place to another member; five minutes where it is not told. */
  seatDeadMs?: number
  work: Work
  /** Before this another worker is the one to claim a task, by the monotonic clock. */
  notHereBeforeMs?(state: TaskState): number
  /** Refuses an entry of a kind that not every member knows. */
  assertKnown?(kind: Entry['kind']): void
  /** What other rooms keep in the fold. */
  foldParts?: readonly FoldPart[]
  offers(): readonly Offer[]
  nameOf(peer: PeerId): string
  slots(): number
  listener: Pick<ReplicaComponents, 'onFork' | 'onReject' | 'onError'> & {
    onTask(state: TaskState, entry: Entry['kind']): void
    onProfile(node: PeerId): void
    onGroup(config: GroupConfig): void
    onName(key: NameKey): void
    onRuns(): void
    onLease(untilMs: number | undefined, term: Term): void
    /** A task was claimed here; `tookMs` from asking until a majority of the keepers granted it. */
    onClaimed?(tookMs: number): void
  }
}

/** What the store gave back at start. */
export type Stored = GroupMemory & {
  blocks: AsyncIterable<SealedBlock>
  /** Whether a block could not be read; asked once all have been. */
  isDamaged?(): boolean
}

export type Engine = {
  fold: Fold
  families: Families
  proposer: Proposer
  execution: Execution
  scheduler: Scheduler
  /** What the state of a task depends on besides its fold. */
  states(): StateContext
  /** What waits for what. */
  graph: Graph
  names: Naming
  pools: Pools
  ownLoad: OwnLoad
  seats: Seats
  start(): void
  stop(): void
  /** Writes an entry into this node's log. @returns its block's seq, for `durable` */
  append(entry: Entry): number
  publisher: Publisher
  /** Publishes a task with a name of its own (`dedupe`, `schedule`), unless it exists already. */
  publishOnce(spec: TaskSpec): Publication
  /** Settles once a majority of the group has the block on disk, or with `local` after the time-out. */
  durable(seq: number, timeoutMs: number): Promise<'majority' | 'local'>
  onMessage(from: PeerId, message: LinkMessage): void
  onPeerUp(peer: PeerId): void
  /** How news travels where not every two members are linked. */
  spread: Replica['spread']
  /** Gossip told of logs that stand further than here. */
  onHeads(from: PeerId, heads: readonly Head[]): void
  /** The node of a term said itself that it is over, by its guardian. */
  onLastWords(node: PeerId, term: Term): void
  recoverGroup: Group['recover']
  /** Ends the terms of this process; no process of its work may be left. */
  endOwnTerms(): void
  terms(): Term[]
  /** What is done under this term may count for so much longer; not more than 0 where that is over or not sure. */
  leaseMs(term: Term): number
  heads(): readonly Head[]
  ownHeads(): readonly Head[]
  /** `peer` said that it has this node's own log up to `seq`. */
  isKnownTo(peer: PeerId, seq: number): boolean
  /** Task IDs, newest first, older than `before` where it is given. */
  newestTasks(before?: string): Iterable<TaskId>
  /** Settles when the task changes next, or when the signal fires. */
  changed(task: TaskId, signal: AbortSignal): Promise<void>
  /** The fold's hash; computed anew only after a change. */
  foldHash(): string
  /** Resources that its tasks have reserved at a node. */
  reservedAt: Reservations['of']
  /** How many tasks there are of each state. */
  counts(): Record<TaskStateName, number>
  /** Tasks that a node holds. */
  heldBy(node: PeerId): TaskId[]
}

const CLAIM_DEADLINE_MS = 2_000

export async function createEngine(components: EngineComponents, stored: Stored): Promise<Engine> {
  const { self, epoch, clock, random, net, persist, trust, listener } = components
  /** What this node claims now, and the term under which it does. */
  const claiming = new Map<TaskId, Term>()
  const holdings = createHoldings()
  const reservations = createReservations()
  const index = createTaskIndex()
  const counts = createStateCounts()
  const families = createFamilies((task) => fold.task(task))
  const nameFold = createNameFold((key) => (started ? names.folded(key) : undefined))
  const ownLoad = createOwnLoad(self)
  const pools = createPools(() => {
    if (started) scheduler.wake()
  })
  let started = false
  let hash: string | undefined

  const fold = createFold(
    {
      onTask(state, kind) {
        holdings.note(state)
        reservations.note(state)
        index.touch(state)
        counts.note(state)
        ownLoad.note(state)
        const waiters = graph.note(state)
        families.note(state)
        if (!started) return
        if (state.value.state === 'settled') group.onSettled(state.id)
        if (kind === 'task') publisher.folded(state.id)
        scheduler.onTask(state)
        for (const id of waiters) changedWith(id)
        names.gates.note(state)
        available.onTask(state)
        if (kind === 'cancel') execution.onCancel(state.id)
        joints.note(state)
        if (state.value.holder === self && state.value.state === 'held') hold(state.id, state.value)
        listener.onTask(state, kind)
      },
      onTerm(node, term) {
        if (!started) return
        if (node === self) group.lease.ended(term)
        scheduler.wake()
        for (const task of holdings.of(node, term)) {
          const state = fold.task(task)
          if (state === undefined) continue
          scheduler.onTask(state)
          listener.onTask(state, 'term')
        }
      },
      onProfile(node) {
        if (!started) return
        scheduler.wake()
        listener.onProfile(node)
      },
      onGroup(config) {
        if (!started) return
        group.seats.learn(config)
        listener.onGroup(config)
      },
    },
    { mayPublish: trust.mayPublish, mayRecover: trust.isAdmin, parts: [nameFold.part, pools.part, ...(components.foldParts ?? [])] },
  )
  const graph = createGraph(fold)
  /** A task that waited for another is ready now, or never will be. */
  const changedWith = (id: TaskId): void => {
    const state = fold.task(id)
    if (state === undefined) return
    scheduler.onTask(state)
    listener.onTask(state, 'register')
  }
  const replica = createReplica({
    ...components,
    wasMember: trust.wasMember,
    cutOf: trust.cutOf,
    seats: () => group.seats.config().seats,
    fold(block: Block) {
      hash = undefined
      fold.apply(block)
    },
    onFork: listener.onFork,
    onReject: listener.onReject,
    onError: listener.onError,
  })
  const publisher = createPublisher({ self, clock, random, fold, append: replica.append })
  // The fold is computed from the stored blocks before anything runs.
  await replica.restore(stored.blocks)

  const group = createGroup(
    {
      self,
      epoch,
      clock,
      random,
      net,
      persist,
      saveSeat: components.saveSeat,
      fold,
      holding: () => [...holdings.terms(), ...names.terms()],
      keepers: trust.keepers,
      seatDeadMs: components.seatDeadMs,
      logged: () => loggedValues(fold, nameFold),
      loggedValue: (key) => (isNameKey(key) ? nameFold.get(key) : fold.task(key)?.value),
      append: replica.append,
      heads: replica.heads,
      covers: replica.covers,
      onName: (key, value) => names.chosen(key, value),
      onSeats: replica.seatsChanged,
      needsLease: () => new Set([...claiming.values(), ...execution.runs().map((run) => run.term), ...joints.terms(), ...names.ownTerms()]),
      onLease(untilMs, term) {
        listener.onLease(untilMs, term)
        for (const holder of [execution, joints]) {
          if (untilMs === undefined) holder.onTermEnded(term)
          else holder.onLeaseValid()
        }
      },
    },
    // The last values of settled tasks stand in the blocks alone: a seat that lost some knows too little to vote.
    stored.isDamaged?.() === true ? { ...stored, seat: { ...stored.seat, votes: 0 } } : stored,
  )
  const { proposer, lease, seats } = group
  const names = createNaming({
    self,
    epoch,
    clock,
    random,
    fold: nameFold,
    facts: fold,
    proposer,
    lease,
    append: replica.append,
    onChange(key) {
      scheduler.wake()
      listener.onName(key)
    },
  })
  const execution = createExecution({
    self,
    clock,
    random,
    fold,
    lease,
    proposer,
    work: components.work,
    onChange() {
      listener.onRuns()
      scheduler.wake()
    },
  })
  const available = createAvailable({
    self,
    life: lifeOf(lease.term()),
    clock,
    random,
    fold,
    proposer,
    work: components.work,
    append: replica.append,
    isAlive: (node) => components.offers().some((offer) => offer.node === node && offer.alive),
    place: () => components.offers().findIndex((offer) => offer.node === self),
    hasMajority: () => hasMajority(seats.config().seats, (seat) => seat === self || net.linked().includes(seat)),
    onChange() {
      listener.onRuns()
      scheduler.wake()
    },
  })
  const everything = withAvailable(execution, available)
  const joints = createJoints({
    self,
    clock,
    fold,
    lease,
    proposer,
    again: (task) => scheduler.again(task),
    onRoom: () => scheduler.wake(),
    onClaimed: (tookMs) => listener.onClaimed?.(tookMs),
  })
  const hold = (task: TaskId, value: RegisterValue): void =>
    fold.task(task)?.task?.spec.kind === 'noop' ? joints.hold(task, value) : execution.hold(task, value)
  const scheduler = createScheduler({
    self,
    clock,
    fold,
    graph,
    offers: components.offers,
    authorName: components.nameOf,
    freeSlots: () => components.slots() - everything.busy() - claiming.size,
    hasRoom(spec) {
      const total = fold.profile(self)?.resources
      if (spec.resources === undefined || total === undefined) return true
      const here = [...claiming.keys(), ...available.runs().map((run) => run.task)]
      const claimed = here.filter((task) => !reservations.of(self).has(task))
      const wanted = [...reservations.of(self).values(), ...claimed.map((task) => fold.task(task)?.task?.spec.resources)]
      return hasRoom(spec.resources, unreservedOf(total, wanted))
    },
    isBusyWith: (task) => claiming.has(task) || everything.has(task) || joints.has(task),
    freeSinceMs: available.freeSinceMs,
    jointRoom: () => (components.slots() === 0 ? 0 : joints.room()),
    claimJoint: (task) => joints.claim(task),
    openAtMs: names.gates.openAtMs,
    ...(components.notHereBeforeMs === undefined ? {} : { notHereBeforeMs: components.notHereBeforeMs }),
    claim: (task) =>
      isAvailable(fold.task(task) ?? { task: undefined }) ? available.start(task) : void tryClaim(task).catch(listener.onError),
    end: (task, reason) => void tryEnd(task, reason).catch(listener.onError),
    isPaused: pools.isPaused,
  })

  const claimer = (task: TaskId, term: Term) => {
    const state = fold.task(task)
    const record = state?.records === undefined ? undefined : state.task?.author
    return { node: self, term, wallMs: clock.wallMs(), termEnded: fold.termEnded, record }
  }
  const tryClaim = async (task: TaskId): Promise<void> => {
    const term = lease.term(leaseLengthMs(fold.task(task)?.task?.spec))
    claiming.set(task, term)
    lease.wake()
    const askedMs = clock.nowMs()
    const change = await names.gates.claim(task, claim(claimer(task, term)), term, CLAIM_DEADLINE_MS)
    claiming.delete(task)
    let held: RegisterValue | undefined
    if ('changed' in change) held = change.changed
    else if ('refused' in change && change.refused === 'mine') held = change.current
    if (held === undefined) scheduler.again(task)
    else {
      listener.onClaimed?.(clock.nowMs() - askedMs)
      hold(task, held)
    }
    scheduler.wake()
  }
  const tryEnd = async (task: TaskId, reason: EndReason): Promise<void> => {
    await proposer.change(task, endingOf(task, reason, claimer(task, lease.term()), { fold, graph }), CLAIM_DEADLINE_MS)
    scheduler.again(task)
  }

  return {
    fold,
    families,
    proposer,
    execution: everything,
    scheduler,
    states: () => ({ wallMs: clock.wallMs(), termEnded: fold.termEnded, isBlocked: graph.isBlocked }),
    counts: () => counts.now({ wallMs: clock.wallMs(), termEnded: fold.termEnded, isBlocked: graph.isBlocked }),
    graph,
    names,
    pools,
    ownLoad,
    seats,
    start() {
      started = true
      group.start()
      replica.start()
      for (const state of fold.tasks()) scheduler.onTask(state)
      available.begin()
    },
    stop: () => [available, names, group, replica, scheduler].forEach((part) => part.stop()),
    append: (entry) => (components.assertKnown?.(entry.kind), replica.append(entry)),
    publisher,
    publishOnce: (spec) => publisher.publish(spec),
    durable: replica.durable,
    onMessage: (from, message) => void (replica.onMessage(from, message) || group.onMessage(from, message)),
    onPeerUp(peer) {
      replica.onPeerUp(peer)
      scheduler.wake()
    },
    spread: replica.spread,
    onHeads: replica.onHeads,
    onLastWords: group.onLastWords,
    recoverGroup: group.recover,
    endOwnTerms: group.endOwnTerms,
    terms: lease.terms,
    leaseMs: lease.remainingMs,
    heads: replica.heads,
    ownHeads: replica.ownHeads,
    isKnownTo: replica.isKnownTo,
    newestTasks: index.newest,
    changed: index.changed,
    foldHash: () => (hash ??= fold.hash()),
    reservedAt: reservations.of,
    heldBy: holdings.by,
  }
}
